"""How people call languages: by a code, in English, in the language itself, and in others that are common."""

import re

from elman.data.columns import normal

TONGUES = {
    name: code
    for code, names in {
        "ar": "ara arabic العربية عربي arabisch arabe árabe arabo arabski арабский",
        "bn": "ben bengali bangla বাংলা bengalisch bengalí bengalese",
        "cs": "ces cze czech čeština česky tschechisch tchèque checo ceco tsjechisch czeski",
        "da": "dan danish dansk dänisch danois danés danese dinamarquês deens duński",
        "de": "deu ger german deutsch allemand alemán tedesco alemão duits niemiecki немецкий",
        "el": "ell gre greek ελληνικά griechisch grec griego greco grego grieks grecki греческий",
        "en": "eng english englisch anglais inglés inglese inglês engels engelska engelsk angielski английский",
        "es": "spa spanish español castellano spanisch espagnol spagnolo espanhol spaans hiszpański испанский",
        "fa": "fas per persian farsi فارسی persisch persan persa perzisch",
        "fi": "fin finnish suomi finnisch finnois finlandés finlandese finlandês fins fiński",
        "fr": "fra fre french français französisch francés francese francês frans franska fransk francuski французский",
        "he": "heb hebrew עברית hebräisch hébreu hebreo ebraico hebraico hebreeuws",
        "hi": "hin hindi हिन्दी हिंदी",
        "hu": "hun hungarian magyar ungarisch hongrois húngaro ungherese hongaars węgierski",
        "id": "ind indonesian indonesisch indonésien indonesio indonesiano indonésio",
        "it": "ita italian italiano italienisch italien italiaans włoski итальянский",
        "ja": "jpn japanese 日本語 japanisch japonais japonés giapponese japonês japans japoński японский",
        "ko": "kor korean 한국어 koreanisch coréen coreano koreaans koreański корейский",
        "la": "lat latin latein latín latino latim latijn łacina latina",
        "nl": "nld dut dutch nederlands niederländisch néerlandais neerlandés holandés olandese holandês holenderski",
        "no": "nor nb nob nn norwegian norsk bokmål nynorsk norwegisch norvégien noruego norvegese norueguês noors",
        "pl": "pol polish polski polnisch polonais polaco polacco pools польский",
        "pt": "por portuguese português portugiesisch portugais portugués portoghese portugees portugalski",
        "ro": "ron rum romanian română rumänisch roumain rumano rumeno romeno roemeens",
        "ru": "rus russian русский russisch russe ruso russo rosyjski",
        "sv": "swe swedish svenska schwedisch suédois sueco svedese zweeds szwedzki",
        "sw": "swa swahili kiswahili suaheli",
        "ta": "tam tamil தமிழ்",
        "th": "tha thai ไทย ภาษาไทย",
        "tr": "tur turkish türkçe türkisch turc turco turks turecki турецкий",
        "uk": "ukr ukrainian українська ukrainisch ukrainien ucraniano ucraino oekraïens ukraiński",
        "ur": "urd urdu اردو",
        "vi": "vie vietnamese tiếng_việt vietnamesisch vietnamien vietnamita vietnamees",
        "zh": "zho chi cn chinese mandarin 中文 汉语 漢語 chinesisch chinois chino cinese chinês chinees chiński",
    }.items()
    for name in (code, *names.split())
}
REGION = re.compile(r"(?<=^[a-z]{2})[-_][a-z]{2,4}$")  # behind a code


def tongue(column: str) -> str:
    """The code of the language by which a column is named, or "".

    Example:
        >>> tongue("Spanisch"), tongue("FR"), tongue("en_US"), tongue("polite")
        ('es', 'fr', 'en', '')
    """
    return TONGUES.get(REGION.sub("", normal(column)), "")
