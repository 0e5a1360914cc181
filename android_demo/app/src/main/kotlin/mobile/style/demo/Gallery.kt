package mobile.style.demo

import android.app.Activity
import android.content.ActivityNotFoundException
import android.content.ClipData
import android.content.Intent
import android.graphics.Bitmap
import android.net.Uri
import android.os.Handler
import android.os.Looper
import java.io.IOException
import java.text.SimpleDateFormat
import java.util.Date
import java.util.Locale

/**
 * Pictures on their way in and out: from other apps, into the gallery or a file that the user chooses, to other apps.
 *
 * @param beside runs a task on the side thread.
 * @param say shows a line to the user, from any thread.
 * @param opened is called with a picture that the user has chosen.
 */
class Gallery(
    private val activity: Activity,
    private val beside: (() -> Unit) -> Unit,
    private val say: (String) -> Unit,
    private val opened: (Uri) -> Unit,
) {
    @Volatile var saved: Uri? = null // last: what is shared
    private val ui = Handler(Looper.getMainLooper())
    private val unsaved = mutableMapOf<Int, Bitmap>() // by request: wait for the user to choose a file, before Android 10
    private var saves = 0

    fun open() = ask(Intent(Intent.ACTION_GET_CONTENT).setType("image/*"), PHOTO)

    /** On the side thread, so that a picture is saved even if its screen is left meanwhile. */
    fun save(picture: Bitmap) {
        val name = "mobile-style-${SimpleDateFormat("yyyyMMdd-HHmmss", Locale.ROOT).format(Date())}"
        if (Newer.gallery) return told { Photos.save(activity, picture, name) }
        ui.post {
            val request = FILE + saves++ % 1000
            unsaved[request] = picture
            val create = Intent(Intent.ACTION_CREATE_DOCUMENT).setType(Photos.TYPE)
            ask(create.putExtra(Intent.EXTRA_TITLE, "$name.jpg"), request)
        }
    }

    fun share() {
        val uri = saved ?: return say(activity.getString(R.string.nothing_to_share))
        val send = Intent(Intent.ACTION_SEND).setType(Photos.TYPE).putExtra(Intent.EXTRA_STREAM, uri)
        send.clipData = ClipData.newRawUri(null, uri) // else the permission does not reach a contact that is shared with
        activity.startActivity(Intent.createChooser(send.addFlags(Intent.FLAG_GRANT_READ_URI_PERMISSION), null))
    }

    /** What the user chose, as the activity is told. */
    fun chosen(request: Int, uri: Uri?) {
        val picture = unsaved.remove(request)
        when {
            uri == null -> Unit
            request == PHOTO -> opened(uri)
            picture != null -> beside { told { uri.also { Photos.write(activity, picture, it) } } }
        }
    }

    private fun ask(intent: Intent, request: Int) {
        try {
            activity.startActivityForResult(intent.addCategory(Intent.CATEGORY_OPENABLE), request)
        } catch (_: ActivityNotFoundException) { // on a managed phone
            say(activity.getString(R.string.no_files))
        }
    }

    private fun told(save: () -> Uri) {
        val text = try {
            saved = save()
            activity.getString(R.string.saved)
        } catch (error: IOException) {
            activity.getString(R.string.not_saved, error.message)
        } catch (error: RuntimeException) { // what a gallery without room or rights throws
            activity.getString(R.string.not_saved, error.message)
        }
        say(text)
    }

    private companion object {
        const val PHOTO = 2 // requests
        const val FILE = 3
    }
}
