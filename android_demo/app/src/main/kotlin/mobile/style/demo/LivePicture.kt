package mobile.style.demo

import android.Manifest
import android.app.Activity
import android.content.Intent
import android.content.pm.PackageManager
import android.hardware.display.DisplayManager
import android.net.Uri
import android.os.Handler
import android.provider.Settings
import android.view.OrientationEventListener
import android.view.WindowManager
import mobile.style.core.Trial

/**
 * The live picture: the camera, the pipeline that paints its frames, and how the phone is turned.
 *
 * A notice says what keeps it from being shown, and offers what the user can do about it.
 *
 * @param wanted says whether it is to be shown: there is a style, and no photo takes its place.
 * @param resting is the line below the title where there is nothing else to say.
 * @param newPipeline makes a pipeline, which waits for the thread of the one before.
 * @param openPhoto is what a phone without a camera can do instead.
 */
class LivePicture(
    private val activity: Activity,
    private val screen: Screen,
    private val ui: Handler,
    private val wanted: () -> Boolean,
    private val resting: () -> String,
    private val newPipeline: (Thread?) -> Pipeline,
    private val openPhoto: () -> Unit,
) {
    private val camera = Camera(activity, { pipeline?.offer(it) ?: it.close() }) { trouble -> ui.post { show(trouble) } }
    private var asked = false // for the camera

    /** Null while the app is not shown. */
    var pipeline: Pipeline? = null
        private set

    /** Whether there is another camera to flip to. */
    val several get() = camera.several

    /** The app is shown: follows how the phone is turned. */
    fun resume() {
        activity.getSystemService(DisplayManager::class.java)?.registerDisplayListener(turned, ui)
        holding.enable()
    }

    /** Stops the camera and has the pipeline end, without waiting for it. */
    fun pause() {
        activity.getSystemService(DisplayManager::class.java)?.unregisterDisplayListener(turned)
        holding.disable()
        stop()
        ending = pipeline?.close() ?: ending
        pipeline = null
    }

    /** Starts the camera if it is wanted, or says what keeps it from that. */
    fun start() {
        if (!wanted()) return
        when {
            !activity.packageManager.hasSystemFeature(PackageManager.FEATURE_CAMERA_ANY) -> show(CameraTrouble.NONE_HERE)
            activity.checkSelfPermission(Manifest.permission.CAMERA) != PackageManager.PERMISSION_GRANTED -> ask()
            else -> {
                screen.hideNotice()
                activity.window.addFlags(WindowManager.LayoutParams.FLAG_KEEP_SCREEN_ON)
                screen.showStatus(if (pipeline?.diagnostics() == null) activity.getString(R.string.starting) else resting())
                startPipeline()
                camera.start()
                turn()
            }
        }
    }

    fun stop() {
        camera.stop()
        screen.allowShutter(true) // a picture that was being taken went with it
        activity.window.clearFlags(WindowManager.LayoutParams.FLAG_KEEP_SCREEN_ON)
    }

    /** The pipeline alone; frames come from the camera, or from a test. */
    fun startPipeline(): Pipeline = pipeline ?: newPipeline(ending).also {
        pipeline = it
        it.start()
    }

    /** The other camera is what starts next. */
    fun flip() {
        stop()
        camera.flip()
    }

    /** Takes a large picture, upright, and hands its JPEG on, or says [onLost]; false if the camera is not ready. */
    fun capture(onJpeg: (ByteArray) -> Unit, onLost: () -> Unit): Boolean {
        val rotation = held?.let(camera::stillRotation) ?: pipeline?.turn?.rotation ?: 0
        return camera.capture(rotation, onJpeg, onLost)
    }

    // What keeps it from being shown

    private fun ask() {
        val denied = asked && !activity.shouldShowRequestPermissionRationale(Manifest.permission.CAMERA)
        val text = activity.getString(if (denied) R.string.permission_never_text else R.string.permission_text)
        val button = activity.getString(if (denied) R.string.permission_settings else R.string.permission_ask)
        screen.showNotice(activity.getString(R.string.permission_title), text, button) {
            if (denied) {
                val app = Uri.fromParts("package", activity.packageName, null)
                activity.startActivity(Intent(Settings.ACTION_APPLICATION_DETAILS_SETTINGS, app))
            } else {
                activity.requestPermissions(arrayOf(Manifest.permission.CAMERA), CAMERA)
            }
        }
    }

    /** The user has allowed or denied the camera, as the activity is told. */
    fun answered() {
        asked = true
        start()
    }

    fun show(trouble: CameraTrouble) {
        stop()
        if (!wanted()) return
        val (title, text) = when (trouble) {
            CameraTrouble.NONE_HERE -> R.string.no_camera_title to R.string.no_camera_text
            CameraTrouble.IN_USE -> R.string.in_use_title to R.string.in_use_text
            CameraTrouble.ERROR -> R.string.camera_error_title to R.string.camera_error_text
        }
        val here = trouble != CameraTrouble.NONE_HERE
        val button = activity.getString(if (here) R.string.again else R.string.open_photo)
        screen.showNotice(activity.getString(title), activity.getString(text), button) { if (here) start() else openPhoto() }
    }

    fun showNoEngine(trials: List<Trial>) {
        val why = trials.joinToString("; ") { activity.getString(R.string.diagnostics_failed, it.backend.toString(), it.failure) }
        screen.showNotice(activity.getString(R.string.no_engine_title), activity.getString(R.string.no_engine_text, why), null) {}
    }

    // How the phone is turned

    private var held: Int? = null // degrees clockwise from upright, also where the screen does not turn with the phone
    private val holding = object : OrientationEventListener(activity) {
        override fun onOrientationChanged(degrees: Int) {
            if (degrees != ORIENTATION_UNKNOWN) held = (degrees + 45) / 90 % 4 * 90
        }
    }

    /** Turned upside down, the configuration stays as it is. */
    private val turned = object : DisplayManager.DisplayListener {
        override fun onDisplayChanged(display: Int) = turn()
        override fun onDisplayAdded(display: Int) = Unit
        override fun onDisplayRemoved(display: Int) = Unit
    }

    /** Has the pipeline turn frames as the screen is turned. */
    fun turn() {
        @Suppress("DEPRECATION") // its successor is of Android 11
        val screenTurn = 90 * activity.windowManager.defaultDisplay.rotation
        val mirrored = camera.mirrored
        val rotation = (camera.mounting + (if (mirrored) screenTurn else 360 - screenTurn)) % 360
        pipeline?.turn = Turn(rotation, mirrored)
    }

    private companion object {
        var ending: Thread? = null // of the pipeline before, perhaps another screen's

        const val CAMERA = 1 // request
    }
}
