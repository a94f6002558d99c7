"""How a report writes numbers: one rule for digits, signs, intervals and probabilities.

A true minus sign, a comma between thousands, a no-break space before the percent sign, and as many decimals
as the interval around a number deserves: half its width, to one significant digit.
"""

from math import floor, isfinite, isnan, log10

NBSP = "\u00a0"


def fixed(value: float, digits: int = 0) -> str:
    """Write a number with so many decimals; what rounds to zero has no sign.

    Examples
    --------
    >>> fixed(-3.24, 1), fixed(12345.6), fixed(-0.01, 1)
    ('−3.2', '12,346', '0.0')
    """
    if isnan(value):
        return "–"
    if not isfinite(value):
        return "∞" if value > 0 else "−∞"
    text = f"{value:,.{digits}f}"
    if not text.strip("-0.,"):
        text = text.removeprefix("-")
    return text.replace("-", "−")


def significant(value: float, digits: int = 3) -> str:
    """Write a number with so many significant digits; whole numbers stay whole.

    Examples
    --------
    >>> significant(0.012345), significant(1234.56), significant(4000), significant(1.0004), significant(2e-7)
    ('0.0123', '1,235', '4,000', '1.00', '2.00e−07')
    """
    if isnan(value) or not isfinite(value) or value == 0:
        return fixed(value)
    if float(value).is_integer() and abs(value) < 1e9:
        return fixed(value)
    power = floor(log10(abs(value)))
    if not -4 < power < 9:
        return f"{value:.{digits - 1}e}".replace("-", "−")
    return fixed(value, max(digits - 1 - power, 0))


def digits_for(low: float, high: float, least: int = 1, most: int = 4) -> int:
    """Decimals for an estimate with this interval, enough that an end beside zero is not written as zero.

    Examples
    --------
    >>> digits_for(-3.8, -2.6), digits_for(-1.4, 0.03), digits_for(-30, 20, least=0)
    (1, 2, 0)
    """
    half = (high - low) / 2
    digits = least
    if isfinite(half) and half > 0:
        digits = min(max(-floor(log10(half)), least), most)
    nearest = min(abs(low), abs(high))
    # Two more at most: an end that is nearly zero does not deserve a row of zeros.
    for _ in range(2):
        if digits < most and nearest > 0 and round(nearest, digits) == 0:
            digits += 1
    return digits


def interval(low: float, high: float, digits: int) -> str:
    """Write an interval.

    Examples
    --------
    >>> interval(-3.84, -2.6, 1)
    '−3.8 to −2.6'
    """
    return f"{fixed(low, digits)} to {fixed(high, digits)}"


def percent(fraction: float, digits: int = 0) -> str:
    """Write a fraction as percent."""
    return f"{fixed(100 * fraction, digits)}{NBSP}%"


def probability(value: float) -> str:
    """Write a probability that was estimated from some thousand draws: never as certain or impossible.

    Examples
    --------
    >>> probability(0.834), probability(0.9996), probability(0.0), probability(0.996)
    ('83\\xa0%', 'more than 99.9\\xa0%', 'less than 0.1\\xa0%', '99.6\\xa0%')
    """
    if value > 0.999:
        return f"more than 99.9{NBSP}%"
    if value < 0.001:
        return f"less than 0.1{NBSP}%"
    return percent(value, 0 if 0.01 <= value <= 0.99 else 1)


def seconds(value: float) -> str:
    """Write a duration.

    Examples
    --------
    >>> seconds(5.84), seconds(192)
    ('5.8 s', '3 min 12 s')
    """
    if value < 60:
        return f"{fixed(value, 1)} s"
    minutes, rest = divmod(round(value), 60)
    return f"{minutes} min {rest} s"
