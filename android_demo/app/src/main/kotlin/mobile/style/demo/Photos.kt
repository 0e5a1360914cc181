package mobile.style.demo

import android.content.ContentValues
import android.content.Context
import android.graphics.Bitmap
import android.graphics.BitmapFactory
import android.graphics.Matrix
import android.media.ExifInterface
import android.net.Uri
import android.os.Environment
import android.provider.MediaStore
import java.io.ByteArrayInputStream
import java.io.IOException
import kotlin.math.max
import kotlin.math.roundToInt
import mobile.style.core.Grain
import mobile.style.core.Painter
import mobile.style.core.Strokes
import mobile.style.core.broadestStrokes
import mobile.style.core.paintTiled
import mobile.style.core.paintedSize
import mobile.style.core.strokeWidth

/** Reading, painting and saving single pictures. */
object Photos {
    const val TYPE = "image/jpeg"
    const val LONGER_SIDE = 1280
    private const val QUALITY = 95

    /** What is at [uri], which may be another app's; null if that cannot be read. */
    fun read(context: Context, uri: Uri): ByteArray? = try {
        context.contentResolver.openInputStream(uri)?.use { it.readBytes() }
    } catch (_: IOException) {
        null
    } catch (_: RuntimeException) { // whatever other apps throw
        null
    } catch (_: OutOfMemoryError) {
        null
    }

    /** A photo, upright, its longer side [longer] at most and its shorter one [shorter] at least; null if it is none. */
    fun decode(bytes: ByteArray, longer: Int, shorter: Int): Bitmap? {
        val bounds = BitmapFactory.Options().apply { inJustDecodeBounds = true }
        BitmapFactory.decodeByteArray(bytes, 0, bytes.size, bounds)
        if (bounds.outWidth <= 0 || bounds.outHeight <= 0) return null
        val options = BitmapFactory.Options()
        options.inSampleSize = Integer.highestOneBit(max(1, max(bounds.outWidth, bounds.outHeight) / longer))
        val decoded = BitmapFactory.decodeByteArray(bytes, 0, bytes.size, options) ?: return null
        return fitted(turned(decoded, bytes), longer, shorter)
    }

    private fun turned(bitmap: Bitmap, bytes: ByteArray): Bitmap {
        val matrix = Matrix()
        val orientation = try {
            ExifInterface(ByteArrayInputStream(bytes)).getAttributeInt(ExifInterface.TAG_ORIENTATION, 1)
        } catch (_: IOException) {
            1
        }
        when (orientation) {
            2 -> matrix.postScale(-1f, 1f)
            3 -> matrix.postRotate(180f)
            4 -> matrix.postScale(1f, -1f)
            5 -> { matrix.postRotate(90f); matrix.postScale(-1f, 1f) }
            6 -> matrix.postRotate(90f)
            7 -> { matrix.postRotate(-90f); matrix.postScale(-1f, 1f) }
            8 -> matrix.postRotate(-90f)
        }
        return Bitmap.createBitmap(bitmap, 0, 0, bitmap.width, bitmap.height, matrix, true)
    }

    private fun fitted(bitmap: Bitmap, longer: Int, shorter: Int): Bitmap {
        val down = minOf(1f, longer.toFloat() / max(bitmap.width, bitmap.height))
        val scale = max(down, shorter.toFloat() / minOf(bitmap.width, bitmap.height))
        val width = max(shorter, (bitmap.width * scale).roundToInt())
        val height = max(shorter, (bitmap.height * scale).roundToInt())
        return Bitmap.createScaledBitmap(bitmap, width, height, true)
    }

    /** How many times as broad as its own strokes a model can paint them in a photo. */
    fun broadest(photo: Bitmap, model: Model): Float =
        broadestStrokes(photo.width, photo.height, model.card.width to model.card.height)

    /** Paints a photo tile by tile, with strokes so many [times] as broad as the model's own; by default as its size asks for. */
    fun paint(photo: Bitmap, painter: Painter, model: Model, strength: Int, times: Float?, progress: (Float) -> Unit): Bitmap {
        val pixels = IntArray(photo.width * photo.height)
        photo.getPixels(pixels, 0, photo.width, 0, 0, photo.width, photo.height)
        val card = model.card
        val wanted = minOf(times ?: strokeWidth(photo.width, photo.height), broadest(photo, model))
        val size = paintedSize(photo.width, photo.height, wanted)
        val strokes = if (size == photo.width to photo.height) null else Strokes(pixels, photo.width, photo.height, size)
        val small = strokes?.small ?: pixels
        val (width, height) = size
        val seen = Grain(width, height).add(small)
        val own = if (strokes == null) strength else 256
        val tiled = paintTiled(painter, small, seen, width, height, card.width, card.height, own, progress)
        val painted = strokes?.enlarged(tiled, strength) ?: tiled
        return Bitmap.createBitmap(painted, photo.width, photo.height, Bitmap.Config.ARGB_8888)
    }

    /** Saves to the gallery and tells where; Android 10 or later. */
    fun save(context: Context, picture: Bitmap, name: String): Uri {
        val values = ContentValues()
        values.put(MediaStore.MediaColumns.DISPLAY_NAME, "$name.jpg")
        values.put(MediaStore.MediaColumns.MIME_TYPE, TYPE)
        Newer.pending(values, true, "${Environment.DIRECTORY_PICTURES}/Mobile Style")
        val resolver = context.contentResolver
        val uri = resolver.insert(MediaStore.Images.Media.EXTERNAL_CONTENT_URI, values) ?: throw IOException("no gallery")
        try {
            write(context, picture, uri)
        } catch (error: IOException) {
            resolver.delete(uri, null, null)
            throw error
        }
        resolver.update(uri, ContentValues().also { Newer.pending(it, false, "") }, null, null)
        return uri
    }

    /** Writes a JPEG to where the user chose. */
    fun write(context: Context, picture: Bitmap, uri: Uri) {
        val stream = context.contentResolver.openOutputStream(uri) ?: throw IOException("nowhere to write")
        stream.use { if (!picture.compress(Bitmap.CompressFormat.JPEG, QUALITY, it)) throw IOException("no room") }
    }
}
