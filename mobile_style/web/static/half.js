// float16 as its 16 bits, for want of Float16Array in older browsers.

const INFINITE = 0x7c00;
const SMALLEST = -14;  // exponent of numbers with all their digits

/** The number that 16 bits stand for. */
export function fromHalf(bits) {
  const exponent = (bits & INFINITE) >> 10;
  const digits = bits & 0x3ff;
  const sign = bits & 0x8000 ? -1 : 1;
  if (exponent === 31) return digits ? NaN : sign * Infinity;
  return sign * (exponent ? 2 ** (exponent - 25) * (1024 + digits) : 2 ** -24 * digits);
}

/** The 16 bits of a number next to a finite one. */
export function toHalf(value) {
  const size = Math.abs(value);
  const sign = value < 0 ? 0x8000 : 0;
  if (size >= 65520) return sign | INFINITE;
  const exponent = Math.max(SMALLEST, Math.floor(Math.log2(size)));
  const digits = Math.round(size / 2 ** (exponent - 10));  // from 1024 on, which the exponent's lowest bit stands for
  return sign | ((exponent - SMALLEST) * 1024 + digits);
}
