package mobile.style.core

import kotlin.math.PI
import kotlin.math.abs
import kotlin.math.ceil
import kotlin.math.cos
import kotlin.math.round
import kotlin.math.sin

/** How many times as broad as the network's own strokes are in a photo of this size, as stylize.py chooses. */
fun strokeWidth(width: Int, height: Int): Float = (minOf(width, height) / FINE_SIDE).coerceIn(1f, BROADEST)

/** The most that is possible where the network takes pictures of [least] pixels. */
fun broadestStrokes(width: Int, height: Int, least: Pair<Int, Int>): Float =
    minOf(BROADEST, width.toFloat() / least.first, height.toFloat() / least.second).coerceAtLeast(1f)

/** The width and height at which the network sees a photo for strokes that are so many [times] as broad. */
fun paintedSize(width: Int, height: Int, times: Float): Pair<Int, Int> {
    fun reduced(side: Int) = maxOf(1, round(side / times.toDouble()).toInt())
    return reduced(width) to reduced(height)
}

/**
 * Broad strokes with the photo's own edges: a photo is painted at a smaller size and enlarged, as enlarge.py does it and
 * explains. [photo] and what is painted are ARGB pixels.
 */
class Strokes(private val photo: IntArray, private val width: Int, private val height: Int, size: Pair<Int, Int>) {
    private val smallWidth = size.first
    private val smallHeight = size.second
    private val down = Resizing(width, height, smallWidth, smallHeight, hamming)
    private val up = Resizing(smallWidth, smallHeight, width, height, lanczos)
    private val halfWidth = (smallWidth + 1) / 2
    private val halfHeight = (smallHeight + 1) / 2
    private val smoothUp = Resizing(halfWidth, halfHeight, width, height, triangle)

    /** The photo at the smaller size. */
    val small: IntArray = SHIFTS.map { down.of(channel(photo, it)) }.let { (red, green, blue) ->
        IntArray(smallWidth * smallHeight) { argb(level(red, it), level(green, it), level(blue, it)) }
    }

    /** What was [painted] of [small], at the photo's size, [strength] of 256 of it over the photo. */
    fun enlarged(painted: IntArray, strength: Int): IntArray {
        val light = brightness(small)
        val blurred = up.of(light)
        val guide = Guide(halved(light))
        val result = IntArray(photo.size) { 255 shl 24 }
        for (shift in SHIFTS) {
            val channel = channel(painted, shift)
            val slopes = smoothUp.of(guide.slopes(halved(channel)))
            val strokes = up.of(channel)
            for (i in photo.indices) {
                val detail = brightness(photo[i]) - level(blurred, i)
                val sharp = (level(strokes, i) + (level(slopes, i) - 128) / 127f * detail).coerceIn(0f, 255f)
                val own = photo[i] shr shift and 255
                result[i] = result[i] or (round(own + strength / 256.0 * (sharp - own)).toInt() shl shift)
            }
        }
        return result
    }

    /** The small picture's channel at half its size: the mean of each four pixels, of fewer at an odd end. */
    private fun halved(values: ByteArray) = ByteArray(halfWidth * halfHeight) { at ->
        val top = 2 * (at / halfWidth)
        val left = 2 * (at % halfWidth)
        var sum = 0
        var count = 0
        for (y in top..minOf(top + 1, smallHeight - 1)) {
            for (x in left..minOf(left + 1, smallWidth - 1)) {
                sum += level(values, y * smallWidth + x)
                count++
            }
        }
        ((sum + count / 2) / count).toByte()
    }

    /** The light around each pixel of the small photo at half its size, which a channel's values there are fitted to. */
    private inner class Guide(light: ByteArray) {
        private val light = FloatArray(light.size) { level(light, it).toFloat() }
        private val mean = means(this.light)
        private val squares = means(FloatArray(light.size) { this.light[it] * this.light[it] })

        /** How a channel follows the light around each pixel: 1 for -1, 255 for 1. */
        fun slopes(channel: ByteArray): ByteArray {
            val values = FloatArray(channel.size) { level(channel, it).toFloat() }
            val ofChannel = means(values)
            val shared = means(FloatArray(values.size) { values[it] * light[it] })
            return ByteArray(values.size) {
                val slope = (shared[it] - mean[it] * ofChannel[it]) / (squares[it] - mean[it] * mean[it] + STEADY)
                round(128.0 + 127 * slope.coerceIn(-1f, 1f)).toInt().toByte()
            }
        }
    }

    /** The mean of each pixel's surroundings; beyond the border its pixels are repeated. */
    private fun means(values: FloatArray): FloatArray {
        val side = 2 * RADIUS + 1
        val columns = FloatArray(values.size)
        val result = FloatArray(values.size)
        for (y in 0 until halfHeight) {
            for (near in y - RADIUS..y + RADIUS) {
                val row = halfWidth * near.coerceIn(0, halfHeight - 1)
                for (x in 0 until halfWidth) columns[y * halfWidth + x] += values[row + x] / side
            }
        }
        for (y in 0 until halfHeight) {
            for (x in 0 until halfWidth) {
                var sum = 0f
                for (near in x - RADIUS..x + RADIUS) sum += columns[y * halfWidth + near.coerceIn(0, halfWidth - 1)]
                result[y * halfWidth + x] = sum / side
            }
        }
        return result
    }
}

private const val FINE_SIDE = 540f // pixels of a photo's shorter side, above which strokes are made broader
private const val BROADEST = 3f // times
private const val RADIUS = 1 // pixels of the small pictures at half the size: strokes are about that wide
private const val STEADY = 30f // squared gray levels of the photo's variance, below which its detail hardly counts
private val SHIFTS = listOf(16, 8, 0)

private fun level(values: ByteArray, at: Int): Int = values[at].toInt() and 255

private fun argb(red: Int, green: Int, blue: Int): Int = (255 shl 24) or (red shl 16) or (green shl 8) or blue

private fun channel(pixels: IntArray, shift: Int) = ByteArray(pixels.size) { (pixels[it] shr shift).toByte() }

/** Luma of Rec. 601, in parts of 65,536, as Pillow rounds it. */
private fun brightness(pixel: Int): Int =
    (19595 * (pixel shr 16 and 255) + 38470 * (pixel shr 8 and 255) + 7471 * (pixel and 255) + 32768) shr 16

private fun brightness(pixels: IntArray) = ByteArray(pixels.size) { brightness(pixels[it]).toByte() }

/** What a pixel at some distance counts: a window of [reach] pixels on either side. */
private class Window(val reach: Double, val weight: (Double) -> Double)

private val triangle = Window(1.0) { maxOf(0.0, 1 - abs(it)) }
private val hamming = Window(1.0) { if (abs(it) < 1) sinc(it) * (0.54 + 0.46 * cos(PI * it)) else 0.0 }
private val lanczos = Window(3.0) { if (abs(it) < 3) sinc(it) * sinc(it / 3) else 0.0 }

private fun sinc(x: Double): Double = if (x == 0.0) 1.0 else sin(PI * x) / (PI * x)

/** One channel at another size: first across, then down, each rounded to bytes. A smaller picture sees wider windows. */
private class Resizing(private val fromWidth: Int, private val fromHeight: Int, toWidth: Int, toHeight: Int, window: Window) {
    private val across = Taps(fromWidth, toWidth, window)
    private val down = Taps(fromHeight, toHeight, window)

    fun of(values: ByteArray): ByteArray {
        val width = across.first.size
        val wide = ByteArray(width * fromHeight)
        for (y in 0 until fromHeight) {
            for (x in 0 until width) wide[y * width + x] = across.sum(x) { level(values, y * fromWidth + it) }
        }
        val result = ByteArray(width * down.first.size)
        for (y in down.first.indices) {
            for (x in 0 until width) result[y * width + x] = down.sum(y) { level(wide, it * width + x) }
        }
        return result
    }
}

/** For each pixel along an axis, which ones it is made of, and their weights, which add up to 1. */
private class Taps(from: Int, to: Int, window: Window) {
    private val scale = from.toDouble() / to
    private val wider = maxOf(1.0, scale)
    private val middle = DoubleArray(to) { (it + 0.5) * scale }
    val first = IntArray(to) { maxOf(0, ceil(middle[it] - window.reach * wider - 0.5).toInt()) }
    private val weights = Array(to) { index ->
        val last = minOf(from - 1, (middle[index] + window.reach * wider - 0.5).toInt())
        val counted = DoubleArray(last - first[index] + 1) { window.weight((first[index] + it + 0.5 - middle[index]) / wider) }
        val whole = counted.sum()
        FloatArray(counted.size) { (counted[it] / whole).toFloat() }
    }

    inline fun sum(index: Int, value: (Int) -> Int): Byte {
        var sum = 0.5f
        val own = weights[index]
        for (i in own.indices) sum += own[i] * value(first[index] + i)
        return sum.toInt().coerceIn(0, 255).toByte()
    }
}
