/* Runs kernels of another kind of processor for a process that cannot: it is told what to do on its standard input.
 *
 * A command is a letter and numbers of 64 bits; bytes may follow. Addresses are those of this process.
 *   L length path          open a library                        answer: its handle
 *   S handle length name   look up a function, or of everything, where the handle is 0        answer: its address
 *   A size                 take memory                            answer: its address
 *   W address size bytes   write
 *   R address size         read                                   answer: the bytes
 *   C function count arguments...       call, with up to 12 whole numbers                     answer: 1
 *   T function sizes table count team   call function(sizes, table, i) for each i on a thread of its own, and write
 *                                       how many there are to team, if it is not 0            answer: 1
 *   F                      give all memory back
 */
#include <dlfcn.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { MOST = 64 };
typedef int64_t N;
typedef void Kernel(N, N, N);
typedef void Any(N, N, N, N, N, N, N, N, N, N, N, N);

static void *taken[1 << 16];
static size_t many;

static void fail(const char *what) {
    fprintf(stderr, "%s\n", what);
    exit(1);
}

static void get(void *to, size_t size) {
    if (size && fread(to, 1, size, stdin) != size) exit(0); /* whoever asks is gone */
}

static N number(void) {
    N n;
    get(&n, sizeof n);
    return n;
}

static void answer(const void *from, size_t size) {
    if (fwrite(from, 1, size, stdout) != size || fflush(stdout)) exit(1);
}

static void say(N n) { answer(&n, sizeof n); }

static char *text(void) {
    static char held[4096];
    N length = number();
    if (length < 0 || length >= (N)sizeof held) fail("a text is too long");
    get(held, length);
    held[length] = 0;
    return held;
}

typedef struct {
    Kernel *kernel;
    N sizes, table, i;
} Part;

static void *run(void *given) {
    Part *part = given;
    part->kernel(part->sizes, part->table, part->i);
    return NULL;
}

static void together(void) {
    Kernel *kernel = (Kernel *)number();
    N sizes = number(), table = number(), count = number(), team = number();
    pthread_t threads[MOST];
    Part parts[MOST];
    if (count > MOST) fail("too many threads");
    if (team) *(N *)team = count;
    for (N i = 0; i < count; i++) {
        parts[i] = (Part){kernel, sizes, table, i};
        if (pthread_create(&threads[i], NULL, run, &parts[i])) fail("no thread");
    }
    for (N i = 0; i < count; i++) pthread_join(threads[i], NULL);
    say(1);
}

static void call(void) {
    Any *function = (Any *)number();
    N count = number(), a[12] = {0};
    if (count > 12) fail("too many arguments");
    for (N i = 0; i < count; i++) a[i] = number();
    function(a[0], a[1], a[2], a[3], a[4], a[5], a[6], a[7], a[8], a[9], a[10], a[11]);
    say(1);
}

int main(void) {
    for (int command; (command = getchar()) != EOF;) {
        switch (command) {
        case 'L': {
            void *library = dlopen(text(), RTLD_NOW | RTLD_LOCAL);
            if (!library) fail(dlerror());
            say((N)library);
            break;
        }
        case 'S': {
            N library = number();
            void *found = dlsym(library ? (void *)library : RTLD_DEFAULT, text());
            if (!found) fail(dlerror());
            say((N)found);
            break;
        }
        case 'A': {
            N size = number();
            void *memory = aligned_alloc(64, (size + 127) / 64 * 64);
            if (!memory || many == sizeof taken / sizeof *taken) fail("no memory");
            taken[many++] = memory;
            say((N)memory);
            break;
        }
        case 'W': {
            void *to = (void *)number();
            get(to, number());
            break;
        }
        case 'R': {
            void *from = (void *)number();
            answer(from, number());
            break;
        }
        case 'C': call(); break;
        case 'T': together(); break;
        case 'F':
            while (many) free(taken[--many]);
            break;
        default: fail("there is no such command");
        }
    }
    return 0;
}
