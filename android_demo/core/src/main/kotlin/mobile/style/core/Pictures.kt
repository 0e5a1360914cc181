package mobile.style.core

import java.nio.ByteBuffer

/** Runs a model: RGB bytes of its size in, as many out. */
fun interface Painter {
    fun paint(input: ByteBuffer, output: ByteBuffer)
}

/** Mixes photos of [size] pixels with their paintings; what it needs for that is allocated once. */
class Blender(size: Int) {
    private val photoBytes = ByteArray(3 * size)
    private val paintedBytes = ByteArray(3 * size)

    /** [strength] 0 (photo) to 256 (painting), into opaque ARGB pixels. */
    fun blend(photo: ByteBuffer, painting: ByteBuffer, strength: Int, pixels: IntArray) {
        // As a whole into arrays: reading a direct buffer byte by byte takes several times as long.
        photo.position(0)
        photo.get(photoBytes).position(0)
        painting.position(0)
        painting.get(paintedBytes).position(0)
        var at = 0
        for (i in pixels.indices) {
            val r = mixed(strength, at)
            val g = mixed(strength, at + 1)
            val b = mixed(strength, at + 2)
            pixels[i] = (255 shl 24) or (r shl 16) or (g shl 8) or b
            at += 3
        }
    }

    private fun mixed(strength: Int, at: Int): Int {
        val from = photoBytes[at].toInt() and 255
        val to = paintedBytes[at].toInt() and 255
        return (from * (256 - strength) + to * strength + 128) shr 8
    }
}

/** ARGB pixels to RGB bytes from the buffer's start. */
fun rgb(pixels: IntArray, out: ByteBuffer) {
    var at = 0
    for (pixel in pixels) {
        out.put(at, (pixel shr 16).toByte()).put(at + 1, (pixel shr 8).toByte()).put(at + 2, pixel.toByte())
        at += 3
    }
}

/** Where tiles of [tile] pixels start so that they cover [length] and overlap by [overlap] at least. */
fun tileStarts(length: Int, tile: Int, overlap: Int): IntArray {
    require(length >= tile && tile > overlap) { "tiles of $tile over $length" }
    val count = 1 + (length - tile + tile - overlap - 1) / (tile - overlap)
    return IntArray(count) { if (count == 1) 0 else (it.toLong() * (length - tile) / (count - 1)).toInt() }
}

/**
 * Paints a picture larger than the model, tile by tile, as it is [seen]; where tiles overlap they fade into each other.
 *
 * The model takes the mean contrast of what it sees, so neighboring tiles differ a little: the overlap of a quarter
 * hides it. Memory beyond the picture: one band of tiles.
 */
fun paintTiled(
    painter: Painter,
    pixels: IntArray,
    seen: IntArray,
    width: Int,
    height: Int,
    tileWidth: Int,
    tileHeight: Int,
    strength: Int,
    progress: (Float) -> Unit = {},
): IntArray {
    val xs = tileStarts(width, tileWidth, tileWidth / 4)
    val ys = tileStarts(height, tileHeight, tileHeight / 4)
    val input = ByteBuffer.allocateDirect(3 * tileWidth * tileHeight)
    val output = ByteBuffer.allocateDirect(3 * tileWidth * tileHeight)
    val blender = Blender(tileWidth * tileHeight)
    val tile = IntArray(tileWidth * tileHeight)
    val painted = IntArray(tileWidth * tileHeight)
    val result = IntArray(width * height)
    val sums = Array(tileHeight) { FloatArray(4 * width) }
    for ((band, top) in ys.withIndex()) {
        for ((column, left) in xs.withIndex()) {
            fun cut(from: IntArray) {
                for (y in 0 until tileHeight) {
                    System.arraycopy(from, (top + y) * width + left, tile, y * tileWidth, tileWidth)
                }
                rgb(tile, input)
            }
            cut(seen)
            painter.paint(input, output)
            cut(pixels)
            blender.blend(input, output, strength, painted)
            for (y in 0 until tileHeight) {
                val sum = sums[y]
                for (x in 0 until tileWidth) {
                    val weight = ramp(x, tileWidth).toFloat() * ramp(y, tileHeight)
                    val pixel = painted[y * tileWidth + x]
                    val at = 4 * (left + x)
                    sum[at] += weight * (pixel shr 16 and 255)
                    sum[at + 1] += weight * (pixel shr 8 and 255)
                    sum[at + 2] += weight * (pixel and 255)
                    sum[at + 3] += weight
                }
            }
            progress((band * xs.size + column + 1f) / (xs.size * ys.size))
        }
        // The rows that no further tile touches are done; the others move up.
        val done = if (band + 1 < ys.size) ys[band + 1] - top else tileHeight
        for (y in 0 until done) finish(sums[y], result, (top + y) * width)
        for (y in 0 until tileHeight) {
            if (y + done < tileHeight) sums[y + done].copyInto(sums[y]) else sums[y].fill(0f)
        }
    }
    return result
}

private fun ramp(at: Int, length: Int): Int = minOf(minOf(at + 1, length - at), length / 4)

private fun finish(sum: FloatArray, result: IntArray, from: Int) {
    for (x in 0 until sum.size / 4) {
        val weight = sum[4 * x + 3]
        fun channel(c: Int) = (sum[4 * x + c] / weight + 0.5f).toInt()
        result[from + x] = (255 shl 24) or (channel(0) shl 16) or (channel(1) shl 8) or channel(2)
    }
}
