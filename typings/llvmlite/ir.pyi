from typing import Any

class Type:
    def __call__(self, value: Any) -> Constant: ...

class VoidType(Type): ...
class FloatType(Type): ...
class DoubleType(Type): ...

class PointerType(Type):
    def __init__(self, pointee: Type | None = ..., addrspace: int = ...) -> None: ...

class IntType(Type):
    width: int
    def __init__(self, bits: int) -> None: ...

class VectorType(Type):
    element: Type
    count: int
    def __init__(self, element: Type, count: int) -> None: ...

class ArrayType(Type):
    element: Type
    count: int
    def __init__(self, element: Type, count: int) -> None: ...

class LiteralStructType(Type):
    def __init__(self, elems: Any, packed: bool = ...) -> None: ...

class FunctionType(Type):
    return_type: Type
    args: tuple[Type, ...]
    def __init__(self, return_type: Type, args: Any, var_arg: bool = ...) -> None: ...

class Value:
    type: Any
    def __getattr__(self, name: str) -> Any: ...

class Constant(Value):
    constant: Any
    def __init__(self, typ: Type, constant: Any) -> None: ...

class Block(Value): ...

class Function(Value):
    args: tuple[Any, ...]
    function_type: FunctionType
    linkage: str
    calling_convention: str
    def __init__(self, module: Module, ftype: FunctionType, name: str) -> None: ...
    def append_basic_block(self, name: str = ...) -> Block: ...

class GlobalVariable(Value):
    def __init__(self, module: Module, typ: Type, name: str, addrspace: int = ...) -> None: ...
    value_type: Type
    linkage: str
    global_constant: bool
    initializer: Constant | None

class Module:
    name: str
    triple: str
    data_layout: str
    globals: dict[str, Any]
    def __init__(self, name: str = ..., context: Any = ...) -> None: ...
    def __getattr__(self, name: str) -> Any: ...

class IRBuilder:
    module: Module
    function: Function
    block: Block
    def __init__(self, block: Block | None = ...) -> None: ...
    def __getattr__(self, name: str) -> Any: ...

Undefined: Any

def __getattr__(name: str) -> Any: ...
