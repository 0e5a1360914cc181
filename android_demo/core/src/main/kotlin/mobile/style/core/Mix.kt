package mobile.style.core

import kotlin.math.floor

/** The share of each of so many [styles] of a file: of [one] alone, or with [percent] of [other]. They add up to 1. */
fun shares(styles: Int, one: Int, other: Int = one, percent: Int = 0) = FloatArray(styles).also {
    it[one] += (100 - percent) / 100f
    it[other] += percent / 100f
}

/** Shares as an int8 file takes them: bytes that add up to 255, the largest remainders rounded up, as styles.py does it. */
fun shareBytes(shares: FloatArray): ByteArray {
    val exact = DoubleArray(shares.size) { WHOLE * shares[it].toDouble() }
    val levels = IntArray(shares.size) { floor(exact[it]).toInt() }
    val left = WHOLE - levels.sum()
    for (index in exact.indices.sortedByDescending { exact[it] - levels[it] }.take(left)) levels[index]++
    return ByteArray(shares.size) { levels[it].toByte() }
}

private const val WHOLE = 255
