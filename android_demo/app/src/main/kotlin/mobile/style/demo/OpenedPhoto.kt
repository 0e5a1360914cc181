package mobile.style.demo

import android.graphics.Bitmap
import android.net.Uri
import android.os.Handler

/**
 * A photo from the gallery that takes the camera's place on the screen, and its painting.
 *
 * All calls are on the thread of [ui]; only [paint] is called on the side thread.
 *
 * @param beside runs a task on the side thread.
 * @param paint paints a photo as the user wants it now; null if that fails.
 * @param onPainted gets each painting that is still wanted once it is done.
 */
class OpenedPhoto(
    private val ui: Handler,
    private val beside: (() -> Unit) -> Unit,
    private val paint: (Bitmap) -> Bitmap?,
    private val onPainted: (Bitmap) -> Unit,
) {
    /** Null: no photo is open, and the camera is shown. */
    var source: Bitmap? = null
        private set
    var uri: Uri? = null
        private set
    var painted: Bitmap? = null
        private set
    val isOpen get() = source != null
    @Volatile private var paintings = 0 // so far: only the last one that was asked for is wanted
    private val repainting = Runnable { repaint() }

    fun open(photo: Bitmap, from: Uri) {
        source = photo
        uri = from
        painted = null
    }

    /** Nothing of it is painted any more, but for what is being painted just now. */
    fun leave() {
        ui.removeCallbacks(repainting)
        paintings++
        source = null
        uri = null
        painted = null
    }

    /** What the screen shows: the photo's painting once there is one, or else the photo itself. */
    fun shown(original: Boolean): Bitmap? = if (original) source else painted ?: source

    /** Paints it once the user has stopped swiping or sliding. */
    fun repaintSoon() {
        ui.removeCallbacks(repainting)
        if (isOpen) ui.postDelayed(repainting, 300)
    }

    fun repaint() {
        val photo = source ?: return
        val number = ++paintings
        beside {
            val picture = if (number == paintings) paint(photo) else null
            ui.post {
                if (picture == null || source !== photo || number != paintings) return@post
                painted = picture
                onPainted(picture)
            }
        }
    }
}
