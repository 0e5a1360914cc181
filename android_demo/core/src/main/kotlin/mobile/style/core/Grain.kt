package mobile.style.core

import java.nio.ByteBuffer
import kotlin.math.abs

/**
 * Grain for what is flat in a picture of [width] x [height], as grain.py adds it, to the bit: without it a network
 * paints bare patches there. Everything is allocated here.
 */
class Grain(private val width: Int, private val height: Int) {
    private val noise = IntArray(width * height).also { OCTAVES.forEach { (spacing, strength) -> octave(it, spacing, strength) } }
    private val across = Steps(width)
    private val down = Steps(height)
    private val luma = IntArray(width * height)
    private val flatness = IntArray(across.squares * down.squares) // of each square, 0 (detailed) to 256 (flat)
    private val line = IntArray(across.squares)
    private val bytes = ByteArray(3 * width * height)

    /** RGB bytes of [picture] with grain, into [out]; each from the buffer's start. */
    fun add(picture: ByteBuffer, out: ByteBuffer) {
        picture.position(0)
        picture.get(bytes).position(0)
        for (i in luma.indices) luma[i] = brightness(byte(3 * i), byte(3 * i + 1), byte(3 * i + 2))
        eachLevel { i, level ->
            for (at in 3 * i..3 * i + 2) bytes[at] = (byte(at) + level).coerceIn(0, 255).toByte()
        }
        out.position(0)
        out.put(bytes).position(0)
    }

    /** A copy of ARGB [pixels] with grain. */
    fun add(pixels: IntArray): IntArray {
        for (i in luma.indices) luma[i] = brightness(channel(pixels[i], 16), channel(pixels[i], 8), channel(pixels[i], 0))
        val result = pixels.copyOf()
        eachLevel { i, level ->
            var pixel = pixels[i] and (255 shl 24)
            for (shift in 0..16 step 8) pixel = pixel or ((channel(pixels[i], shift) + level).coerceIn(0, 255) shl shift)
            result[i] = pixel
        }
        return result
    }

    private fun byte(at: Int): Int = bytes[at].toInt() and 255

    private fun channel(pixel: Int, shift: Int): Int = pixel shr shift and 255

    private fun brightness(r: Int, g: Int, b: Int): Int = (r + 2 * g + b) shr 2

    /** What is to be added to the picture of [luma] where that is not nothing, in gray levels. */
    private inline fun eachLevel(add: (Int, Int) -> Unit) {
        measure()
        val columns = across.squares
        for (y in 0 until height) {
            val lower = down.weight[y]
            for (x in 0 until columns) {
                val above = flatness[columns * down.before[y] + x]
                line[x] = above * (2 * CELL - lower) + flatness[columns * down.after[y] + x] * lower
            }
            for (x in 0 until width) {
                val right = across.weight[x]
                val share = line[across.before[x]] * (2 * CELL - right) + line[across.after[x]] * right
                val level = (share * noise[y * width + x] + (1 shl 19)) shr 20
                if (level != 0) add(y * width + x, level)
            }
        }
    }

    /** Detail is how far pixels are from the mean of their two neighbors, across and down, times two. */
    private fun measure() {
        flatness.fill(0)
        for (y in 0 until height) {
            val up = if (y > 0) width else 0
            val below = if (y + 1 < height) width else 0
            for (x in 0 until width) {
                val i = y * width + x
                val twice = 2 * luma[i]
                val left = if (x > 0) i - 1 else i
                val right = if (x + 1 < width) i + 1 else i
                flatness[y / CELL * across.squares + x / CELL] +=
                    abs(twice - luma[left] - luma[right]) + abs(twice - luma[i - up] - luma[i + below])
            }
        }
        for (square in flatness.indices) { // so far the sum of its pixels' detail
            val pixels = across.size(square % across.squares) * down.size(square / across.squares)
            flatness[square] = maxOf(0, 256 - 256 * flatness[square] / (DETAILED * pixels))
        }
    }

    /** Adds value noise, in sixteenths of a gray level. */
    private fun octave(levels: IntArray, spacing: Int, strength: Int) {
        for (y in 0 until height) {
            for (x in 0 until width) {
                val right = x % spacing
                val lower = y % spacing
                fun line(row: Int) = random(row, x / spacing, spacing) * (spacing - right) +
                    random(row, x / spacing + 1, spacing) * right
                val between = line(y / spacing) * (spacing - lower) + line(y / spacing + 1) * lower
                levels[y * width + x] += Math.floorDiv(strength * between, 8 * spacing * spacing)
            }
        }
    }

    private companion object {
        val OCTAVES = listOf(4 to 2, 12 to 3, 36 to 4) // pixels, gray levels
        const val CELL = 8 // pixels: the side of the squares that detail is measured in
        const val DETAILED = 6 // gray levels
        const val GOLDEN = -1640531527 // 2654435769, as bits

        /** -128 to 127. */
        fun random(y: Int, x: Int, seed: Int): Int {
            var mixed = (y * 73856093) xor (x * 19349663) xor (seed * 83492791)
            mixed = (mixed xor (mixed ushr 15)) * GOLDEN
            mixed = (mixed xor (mixed ushr 13)) * GOLDEN
            return (mixed ushr 24) - 128
        }
    }

    /** Of each pixel along an axis: the squares whose middles it is between, and how far on its way in sixteenths. */
    private class Steps(private val length: Int) {
        val squares = (length + CELL - 1) / CELL
        private val first = IntArray(length) { Math.floorDiv(2 * it + 1 - CELL, 2 * CELL) }
        val before = IntArray(length) { maxOf(first[it], 0) }
        val after = IntArray(length) { minOf(first[it] + 1, squares - 1) }
        val weight = IntArray(length) { 2 * it + 1 - CELL - 2 * CELL * first[it] }

        fun size(square: Int) = minOf(CELL, length - CELL * square)
    }
}
