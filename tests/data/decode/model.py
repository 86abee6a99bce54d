#!/usr/bin/python3
"""What registers mean, worked out with struct and fractions: another way than
drivers/decode.  Prints the vectors of tests/unit/test_vectors.c:

    model.py 6 > vectors

A line: type order bit_hi bit_lo scale dec offset dec dec|-1 sf nan|-1 regs...
value, where scale and offset are a mantissa and its decimals.
"""
import random
import struct
import sys
from decimal import Decimal
from fractions import Fraction

CODES = dict(i16='>h', u16='>H', i32='>i', u32='>I', i64='>q', u64='>Q',
             f16='>e', f32='>f', f64='>d')
REGS = dict(bool=1, u8h=1, u8l=1, i8h=1, i8l=1, i16=1, u16=1, i32=2, u32=2,
            i64=4, u64=4, f16=1, f32=2, f64=4, bcd16=1, bcd32=2)
DIGITS = dict(f16=4, f32=7, f64=15)
SCALES = [(1, 0), (1, 0), (1, 1), (1, 2), (1, 3), (25, 2), (1000, 0), (-1, 1)]
OFFSETS = [(0, 0), (0, 0), (-40, 0), (-400, 1), (27315, 2)]
rnd = random.Random(1)


def rounded(value, dec):
    """The mantissa, half away from zero."""
    n = abs(value) * 10**dec
    m = (2 * n.numerator + n.denominator) // (2 * n.denominator)
    return -m if value < 0 else m


def text(mant, dec):
    digits = '%0*d' % (dec + 1, abs(mant))
    if dec:
        digits = digits[:-dec] + '.' + digits[-dec:]
    return '-' + digits if mant < 0 else digits


def in_order(regs, order):
    words = [struct.pack('>H', r) for r in regs]
    if order == 'ABCD':
        return b''.join(words)
    if order == 'BADC':
        return b''.join(w[::-1] for w in words)
    if order == 'CDAB':
        return b''.join(reversed(words))
    return b''.join(words)[::-1]


def number(kind, data, bits):
    """The value and its decimals; None: none."""
    if bits:
        high, low = bits
        whole = int.from_bytes(data, 'big')
        return Fraction(whole >> low & (1 << high - low + 1) - 1), 0
    if kind[1:2] == '8':
        byte = data[:1] if kind[2] == 'h' else data[1:]
        return Fraction(struct.unpack(
            'b' if kind[0] == 'i' else 'B', byte)[0]), 0
    if kind.startswith('bcd'):
        return (Fraction(int(data.hex())), 0) if data.hex().isdigit() else None
    value = struct.unpack(CODES[kind], data)[0]
    return Fraction(value), 0


def significant(kind, value):
    """As many digits as the type keeps."""
    dec = DIGITS[kind]
    if value:
        dec -= 1 + Decimal(float(value)).adjusted()
    dec = max(0, min(12, dec))
    mant = rounded(value, dec)
    while dec and mant % 10 == 0:
        mant //= 10
        dec -= 1
    return Fraction(mant, 10**dec), dec


def is_own(kind, data, nan):
    if kind[1:2] == '8':
        return nan == (data[0] if kind[2] == 'h' else data[1])
    return nan == int.from_bytes(data, 'big')


def fits(mant):
    """All digits must, also those that are rounded away in the end."""
    return -2**63 <= mant < 2**63


def value_of(kind, order, bits, scale, offset, dec, sf, nan, regs):
    data = in_order(regs, order)
    if is_own(kind, data, nan):
        return 'MISSING'
    if kind == 'bool':
        return 'true' if number(kind, data, bits)[0] else 'false'
    if kind[0] == 'f':
        raw = struct.unpack(CODES[kind], data)[0]
        if raw != raw:
            return 'MISSING'
        if raw in (float('inf'), float('-inf')):
            return 'ERROR'
    found = number(kind, data, bits)
    if not found or not fits(found[0]):
        return 'ERROR'
    value, places = found
    plain = scale == (1, 0) and offset[0] == 0 and sf == 0 and dec >= 0
    if kind[0] == 'f' and not plain:
        value, places = significant(kind, value)
    value *= Fraction(scale[0], 10**scale[1]) * Fraction(10)**sf
    places += scale[1] + max(0, -sf)
    if offset[0]:
        value += Fraction(offset[0], 10**offset[1])
        places = max(places, offset[1])
    if not fits(value * 10**places):
        return 'ERROR'
    places = dec if dec >= 0 else places
    mant = rounded(value, places)
    return text(mant, places) if fits(mant) else 'ERROR'


def pattern(kind):
    n = REGS[kind]
    if kind.startswith('bcd') and rnd.random() < .9:
        return [int('%04d' % rnd.randrange(10000), 16) for _ in range(n)]
    if kind in ('f32', 'f64') and rnd.random() < .9:
        data = struct.pack(CODES[kind], rnd.uniform(-1000, 1000))
        return list(struct.unpack('>%dH' % n, data))
    if rnd.random() < .2:
        return [rnd.choice([0, 1, 0x7fff, 0x8000, 0xffff]) for _ in range(n)]
    if n == 4 and rnd.random() < .6:
        return [0] + [rnd.getrandbits(16) for _ in range(3)]
    return [rnd.getrandbits(16) for _ in range(n)]


def vector(kind, order):
    bits, nan, sf, dec = None, -1, 0, rnd.choice([-1, 0, 1, 2, 3])
    scale, offset = rnd.choice(SCALES), rnd.choice(OFFSETS)
    regs = pattern(kind)
    if REGS[kind] > 1:
        data = in_order(regs, order)
        regs = list(struct.unpack('>%dH' % len(regs), data))
    if kind == 'bool' or kind == 'u16' and rnd.random() < .5:
        low = rnd.randrange(16)
        bits = (low if kind == 'bool' else rnd.randrange(low, 16), low)
    if kind == 'bool':
        scale, offset, dec = (1, 0), (0, 0), -1
    elif rnd.random() < .2:
        sf = rnd.randint(-3, 3)
    if rnd.random() < .1:
        nan = int.from_bytes(in_order(regs, order), 'big')
        nan &= 0xff if kind[1:2] == '8' else 2**64 - 1
    want = value_of(kind, order, bits, scale, offset, dec, sf, nan, regs)
    high, low = bits or (0, 1)
    return ' '.join(map(str, [
        kind, order, high, low, *scale, *offset, dec, sf, nan,
        *(regs + [0] * (4 - len(regs))), want]))


for kind in REGS:
    for order in ('ABCD', 'BADC', 'CDAB', 'DCBA'):
        for _ in range(int(sys.argv[1])):
            print(vector(kind, order))
