"""Arguments for elementwise functions, comparisons and logic. Each function yields (name, args, kwargs)."""

from draw import ALL, BOOL, F32, F64, FLOATS, I64, INTS, U8

DOMAIN = {"log": "positive", "log2": "positive", "log10": "positive", "log1p": "positive", "sqrt": "positive", "rsqrt": "positive",
          "asin": "open", "acos": "open", "atanh": "open", "erfinv": "open", "lgamma": "positive", "digamma": "positive", "logit": "unit"}
UNARY = ("abs neg sign exp expm1 log log2 log10 log1p sqrt rsqrt square reciprocal sin cos tan asin acos atan sinh cosh tanh sigmoid erf "
         "floor ceil round trunc frac exp2 asinh acosh atanh erfc erfinv lgamma digamma sinc logit deg2rad rad2deg signbit nan_to_num isnan isinf isfinite logical_not").split()
NO_INPLACE = {"isnan", "isinf", "isfinite", "signbit"}
BINARY = ("add sub mul div true_divide floor_divide remainder fmod pow atan2 maximum minimum logaddexp eq ne lt le gt ge isclose allclose "
          "equal logical_and logical_or logical_xor hypot xlogy copysign float_power heaviside gcd lcm").split()
NO_BINARY_INPLACE = {"maximum", "minimum", "logaddexp", "float_power", "isclose", "allclose", "equal"}
SCALAR_TOO = {"add", "sub", "mul", "div", "true_divide", "floor_divide", "remainder", "fmod", "pow", "eq", "ne", "lt", "le", "gt", "ge", "xlogy", "copysign", "float_power"}


def form(d, name, inplace=True):
    """The function, the method, or the method that works in place."""
    r = d.random.random()
    if r < 0.45:
        return name
    return f"Tensor.{name}_" if inplace and r > 0.75 else f"Tensor.{name}"


def unary(d):
    for name in UNARY:
        kind = d.one(DOMAIN.get(name, "normal"), DOMAIN.get(name, "normal"), "special", "small")
        if name == "logit":  # PyTorch's vector loop takes -0 for 0
            kind = "unit"
        x = d.tensor(d.sizes(), d.dtype(), kind)
        kwargs = {}
        if name == "round" and d.chance(0.4):
            kwargs = {"decimals": d.int(-2, 3)}
        if name == "nan_to_num":
            kwargs = d.subset(nan=lambda: d.one(0.5, 3, None), posinf=lambda: d.one(1.5, 7, None), neginf=lambda: d.one(-1.5, -7, None))
        yield form(d, name, name not in NO_INPLACE), [x], kwargs
    x = d.tensor(d.sizes(), d.dtype(), d.one("normal", "special"))
    bounds = [d.one(None, d.scalar(), -0.5, 0), d.one(None, d.scalar(), 0.5, 1)]
    if d.chance(0.4):
        dtype = d.dtype()
        bounds = [d.one(None, d.tensor(d.broadcastable(list(x.shape)), dtype)), d.tensor(d.broadcastable(list(x.shape)), dtype)]
    yield form(d, "clamp"), [x], dict(zip(("min", "max"), bounds))
    bound = d.scalar() if d.chance(0.6) else d.tensor(d.broadcastable(list(x.shape)), d.dtype())
    name = d.one("clamp_min", "clamp_max")
    yield form(d, name), [x, bound] if d.chance() else [x], {}
    yield form(d, name), [x, bound], {}


def operands(d, name):
    among = INTS if name in ("gcd", "lcm") else FLOATS if name in ("atan2", "logaddexp", "hypot", "heaviside") and d.chance(0.7) else ALL
    sizes = d.sizes()
    kind = d.one("normal", "normal", "small", "special") if name not in ("floor_divide", "remainder", "fmod") else d.one("normal", "small", "special")
    if name in ("pow", "float_power"):
        kind = d.one("positive", "small", "special")
    x = d.tensor(sizes, d.dtype(among), kind)
    if name in SCALAR_TOO and d.chance(0.4):
        scalar = d.scalar()
        return x, float(scalar) if name == "pow" and isinstance(scalar, bool) else scalar  # a power of False has no gradient at 0
    other_sizes = d.broadcastable(sizes) if d.chance(0.9) else d.sizes()
    other = d.tensor(other_sizes, x.dtype if d.chance(0.6) else d.dtype(among), kind)
    return (x, other) if d.chance(0.8) else (other, x)


def binary(d):
    for name in BINARY:
        x, y = operands(d, name)
        kwargs = {}
        if name in ("add", "sub") and d.chance(0.4):
            kwargs = {"alpha": d.one(2, 0.5, -1, True)}
        if name == "div" and d.chance(0.6):
            kwargs = {"rounding_mode": d.one(None, "trunc", "floor", "wrong" if d.chance(0.1) else "floor")}
        if name in ("isclose", "allclose"):
            kwargs = d.subset(rtol=lambda: d.one(0.1, 1e-3), atol=lambda: d.one(0.5, 0.0), equal_nan=lambda: d.chance())
            if d.chance():
                y = x.detach().clone()
        if name == "equal" and d.chance(0.4):
            y = x.detach().clone()
        yield form(d, name, name not in NO_BINARY_INPLACE), [x, y], kwargs
    x, y = operands(d, "sub")
    yield "rsub", [x, y], {"alpha": d.one(2, 0.5)} if d.chance(0.3) else {}
    t = d.tensor(d.sizes(), d.dtype(), "positive")
    yield "pow", [d.one(2, 0.5, -1.5, 3, 0, 1), t], {}
    yield "pow", [d.tensor(d.sizes(), d.dtype()), d.one(2, 3, -1, -2, 0.5, 0, 1, 2.0, -0.5)], {}
    yield "remainder", [d.one(2, 7.5, -3), t], {}
    for name in ("__add__", "__radd__", "__sub__", "__rsub__", "__mul__", "__rmul__", "__truediv__", "__floordiv__", "__mod__", "__rpow__", "__pow__"):
        yield "Tensor." + name, [t, d.scalar()], {}


def ternary(d):
    sizes = d.sizes()
    dtype = d.dtype(FLOATS if d.chance(0.8) else ALL)
    a, b, c = d.tensor(sizes, dtype), d.tensor(d.broadcastable(sizes), dtype), d.tensor(d.broadcastable(sizes), dtype, "positive")
    yield form(d, "addcmul"), [a, b, c], {"value": d.one(2, 0.5)} if d.chance() else {}
    yield form(d, "addcdiv"), [a, b, c], {"value": d.one(2, 0.5)} if d.chance() else {}
    yield form(d, "lerp"), [a, b, d.one(d.real(), d.real(0, 1), d.tensor(d.broadcastable(sizes), dtype))], {}
    condition = d.tensor(d.broadcastable(sizes), BOOL if d.chance(0.85) else d.dtype())
    other = d.one(d.scalar(), d.tensor(d.broadcastable(sizes), d.dtype()))
    yield "where", [condition, a, other], {}
    yield "Tensor.where", [a, condition, other], {}
    yield "where", [condition, d.scalar(), d.scalar()], {}
    yield "where", [condition], {}
    mask = d.tensor(d.broadcastable(sizes), BOOL)
    x = d.tensor(sizes, d.dtype())
    yield form(d, "masked_fill"), [x, mask, d.one(d.scalar(), d.tensor([], d.dtype()))], {}


def arguments(d):
    for part in (unary, binary, ternary):
        yield from part(d)
