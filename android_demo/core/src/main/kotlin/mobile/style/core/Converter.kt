package mobile.style.core

import java.nio.ByteBuffer

/** One plane of a camera frame, as Android's Image.Plane gives it. */
class Plane(val bytes: ByteBuffer, val rowStride: Int, val pixelStride: Int)

/** A YUV_420_888 frame: chroma planes have half the width and height, rounded up. */
class YuvFrame(val width: Int, val height: Int, val y: Plane, val u: Plane, val v: Plane)

/** A part of the frame, in its own pixels. */
data class Crop(val left: Int, val top: Int, val width: Int, val height: Int)

/** The largest part around the center with the proportions of a picture of [width] x [height] once turned by [rotation]. */
fun centerCrop(frameWidth: Int, frameHeight: Int, width: Int, height: Int, rotation: Int): Crop {
    val (across, down) = if (rotation % 180 == 0) width to height else height to width
    val wide = frameWidth.toLong() * down > frameHeight.toLong() * across
    val w = if (wide) (frameHeight.toLong() * across / down).toInt() else frameWidth
    val h = if (wide) frameHeight else (frameWidth.toLong() * down / across).toInt()
    return Crop((frameWidth - w) / 2, (frameHeight - h) / 2, maxOf(w, 1), maxOf(h, 1))
}

/**
 * Turns camera frames into the model's input: RGB bytes, row by row.
 *
 * The crop is shrunk to the picture's grid, each cell the mean of the pixels it covers (one pixel where the crop is
 * smaller than the grid), converted (full-range BT.601, 16-bit fixed point), turned clockwise by [rotation], then
 * mirrored left to right. Everything is allocated here: [convert] allocates nothing as long as strides stay as they are.
 */
class Converter(
    private val crop: Crop,
    private val rotation: Int,
    private val mirror: Boolean,
    val width: Int,
    val height: Int,
) {
    private val across = if (rotation % 180 == 0) width else height
    private val down = if (rotation % 180 == 0) height else width
    private val columns = Spans(crop.left, crop.width, across)
    private val rows = Spans(crop.top, crop.height, down)
    private val chromaColumns = columns.halved()
    private val chromaRows = rows.halved()
    private val lineY = IntArray(across)
    private val lineU = IntArray(across)
    private val lineV = IntArray(across)
    private var row = ByteArray(0)
    private val picture = ByteArray(3 * width * height)

    init {
        require(rotation in setOf(0, 90, 180, 270)) { "rotation is $rotation, not a quarter turn" }
        require(width > 0 && height > 0 && crop.width > 0 && crop.height > 0) { "an empty picture" }
    }

    /** Fills [out] with width * height * 3 bytes from its start. */
    fun convert(frame: YuvFrame, out: ByteBuffer) {
        require(crop.left >= 0 && crop.top >= 0 && crop.left + crop.width <= frame.width &&
            crop.top + crop.height <= frame.height) { "$crop is not inside ${frame.width} x ${frame.height}" }
        for (line in 0 until down) {
            means(frame.y, columns, rows, line, lineY)
            means(frame.u, chromaColumns, chromaRows, line, lineU)
            means(frame.v, chromaColumns, chromaRows, line, lineV)
            var at = 3 * place(0, line)
            val step = 3 * (place(if (across > 1) 1 else 0, line)) - at
            for (column in 0 until across) {
                val y = (lineY[column] shl 16) + 32768
                val u = lineU[column] - 128
                val v = lineV[column] - 128
                picture[at] = byte(y + 91881 * v)
                picture[at + 1] = byte(y - 22554 * u - 46802 * v)
                picture[at + 2] = byte(y + 116130 * u)
                at += step
            }
        }
        out.position(0)
        out.put(picture).position(0)
    }

    /** Where the cell of the frame's grid lies in the picture, in pixels from its start. */
    private fun place(column: Int, line: Int): Int {
        val x: Int
        val y: Int
        when (rotation) {
            0 -> { x = column; y = line }
            90 -> { x = width - 1 - line; y = column }
            180 -> { x = width - 1 - column; y = height - 1 - line }
            else -> { x = line; y = height - 1 - column }
        }
        return y * width + if (mirror) width - 1 - x else x
    }

    private fun means(plane: Plane, columns: Spans, rows: Spans, line: Int, sums: IntArray) {
        val first = columns.start[0] * plane.pixelStride
        val length = (columns.end[across - 1] - 1) * plane.pixelStride + 1 - first
        if (row.size < length) row = ByteArray(length)
        sums.fill(0)
        for (y in rows.start[line] until rows.end[line]) {
            // Row by row into an array, as a direct buffer is slow to read byte by byte.
            plane.bytes.position(y * plane.rowStride + first)
            plane.bytes.get(row, 0, length)
            for (column in 0 until across) {
                var at = columns.start[column] * plane.pixelStride - first
                var sum = 0
                repeat(columns.end[column] - columns.start[column]) {
                    sum += row[at].toInt() and 255
                    at += plane.pixelStride
                }
                sums[column] += sum
            }
        }
        val height = rows.end[line] - rows.start[line]
        for (column in 0 until across) {
            val count = height * (columns.end[column] - columns.start[column])
            sums[column] = (sums[column] + count / 2) / count
        }
    }

    private fun byte(fixed: Int): Byte = (fixed shr 16).coerceIn(0, 255).toByte()
}

/** For each cell of a grid, the pixels it covers along one axis: [start] until [end]. */
private class Spans(val start: IntArray, val end: IntArray) {
    constructor(offset: Int, length: Int, cells: Int) : this(
        IntArray(cells) { offset + (it.toLong() * length / cells).toInt() },
        IntArray(cells) {
            offset + maxOf((it.toLong() * length / cells).toInt() + 1, ((it + 1L) * length / cells).toInt())
        },
    )

    fun halved() = Spans(IntArray(start.size) { start[it] / 2 }, IntArray(end.size) { (end[it] - 1) / 2 + 1 })
}
