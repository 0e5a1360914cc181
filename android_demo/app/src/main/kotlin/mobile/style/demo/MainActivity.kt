package mobile.style.demo

import android.Manifest
import android.app.Activity
import android.content.ComponentCallbacks2
import android.content.Intent
import android.content.pm.PackageManager
import android.content.res.Configuration
import android.graphics.Bitmap
import android.hardware.display.DisplayManager
import android.net.Uri
import android.os.Bundle
import android.os.Handler
import android.os.Looper
import android.provider.Settings
import android.view.OrientationEventListener
import android.view.WindowManager
import java.io.File
import java.io.IOException
import java.util.concurrent.Executors
import java.util.concurrent.RejectedExecutionException
import mobile.style.core.Backend
import mobile.style.core.Choosers
import mobile.style.core.Trial
import mobile.style.core.candidates
import mobile.style.core.strokeWidth

/** The only screen: what the user does and what the camera, the pipeline and the gallery answer come together here. */
class MainActivity : Activity(), Actions {
    private val ui = Handler(Looper.getMainLooper())
    private val aside = Executors.newSingleThreadExecutor() // stills, tests and benchmarks, one at a time
    private lateinit var screen: Screen
    private lateinit var styles: Styles
    private lateinit var camera: Camera
    private var pipeline: Pipeline? = null
    private lateinit var choosers: Choosers
    private lateinit var stills: Stills
    private val engines by lazy { GpuGuard(applicationContext) { model, backend -> Setup.engines(model, backend) } }
    @Volatile private var look: Look? = null // null where there is no style
    private val chosen get() = styles.usable.indexOf(look?.style)
    private val model get() = look?.style?.models?.first() // that stills are painted by
    private var percent = 100
    private var strokes = 1f // times as broad as the network's own, in a photo
    private var photo: Bitmap? = null // from the gallery; null: the camera is shown
    private var photoUri: Uri? = null
    private var painted: Bitmap? = null
    @Volatile private var paintings = 0 // of the photo, so far: only the last one that was asked for is wanted
    private val gallery = Gallery(this, ::beside, ::say, ::open)
    private var original = false // is shown
    private var asked = false
    private var active = false
    private var held: Int? = null // degrees clockwise from upright, also where the screen does not turn with the phone
    private val holding by lazy {
        object : OrientationEventListener(this) {
            override fun onOrientationChanged(degrees: Int) {
                if (degrees != ORIENTATION_UNKNOWN) held = (degrees + 45) / 90 % 4 * 90
            }
        }
    }

    override fun onCreate(state: Bundle?) {
        super.onCreate(state)
        Newer.edgeToEdge(window)
        screen = Screen(this, this)
        setContentView(screen)
        styles = Styles.discover(assets)
        choosers = lastNonConfigurationInstance as? Choosers ?: Choosers(candidates(Runtime.getRuntime().availableProcessors()))
        stills = Stills(resources, choosers, engines, ::say)
        look = (styles.usable.getOrNull(state?.getInt(CHOSEN) ?: 0) ?: styles.usable.firstOrNull())?.let { style ->
            val other = styles.usable.getOrNull(state?.getInt(OTHER) ?: -1)?.takeIf(style::mixesWith)
            Look(style, other, state?.getInt(SHARE) ?: 0)
        }
        camera = Camera(this, { pipeline?.offer(it) ?: it.close() }) { trouble -> ui.post { show(trouble) } }
        screen.showStyles(styles.usable)
        screen.showFlip(camera.several)
        screen.diagnostics.showSelfTest(getString(R.string.self_test), true)
        showChosen()
        screen.showStatus(resting())
        if (styles.usable.isEmpty()) {
            val words = (listOf(getString(R.string.no_styles_text)) + styles.unusable).joinToString("\n")
            screen.showNotice(getString(R.string.no_styles_title), words, null) {}
        } else if (state == null && intent.getBooleanExtra("benchmark", false)) {
            benchmark()
        }
        if (state != null) intent.removeExtra("benchmark") // it was begun before
        @Suppress("DEPRECATION") // its successor is of Android 13
        if (state != null && styles.usable.isNotEmpty()) {
            gallery.saved = state.getParcelable(SHARED)
            state.getParcelable<Uri>(PHOTO_URI)?.let(::open)
        }
    }

    override fun onSaveInstanceState(state: Bundle) {
        super.onSaveInstanceState(state)
        state.putInt(CHOSEN, chosen)
        state.putInt(OTHER, styles.usable.indexOf(look?.other))
        state.putInt(SHARE, look?.percent ?: 0)
        state.putParcelable(SHARED, gallery.saved)
        state.putParcelable(PHOTO_URI, photoUri)
    }

    /** What was measured is so in another theme or language, too. */
    @Deprecated("Its successor is not the platform's")
    override fun onRetainNonConfigurationInstance(): Any = choosers

    /** Turned upside down, the configuration stays as it is. */
    private val turned = object : DisplayManager.DisplayListener {
        override fun onDisplayChanged(display: Int) = turn()
        override fun onDisplayAdded(display: Int) = Unit
        override fun onDisplayRemoved(display: Int) = Unit
    }

    override fun onResume() {
        super.onResume()
        active = true
        stills.scarce = false
        getSystemService(DisplayManager::class.java)?.registerDisplayListener(turned, ui)
        holding.enable()
        if (!intent.getBooleanExtra("benchmark", false)) startCamera()
    }

    override fun onPause() {
        super.onPause()
        active = false
        getSystemService(DisplayManager::class.java)?.unregisterDisplayListener(turned)
        holding.disable()
        stopCamera()
        ending = pipeline?.close() ?: ending
        pipeline = null
    }

    override fun onDestroy() {
        super.onDestroy()
        aside.shutdown()
        ui.removeCallbacksAndMessages(null)
    }

    /** Of Android 12 and before. */
    @Deprecated("Its successor is of Android 13")
    override fun onBackPressed() = if (backCloses) closeByBack() else @Suppress("DEPRECATION") super.onBackPressed()

    private val backCloses get() = screen.diagnosticsVisible || photo != null

    private fun closeByBack() = if (screen.diagnosticsVisible) screen.showDiagnostics(false) else flip()

    private val backCallback = Newer.backCallback(::closeByBack)

    override fun onConfigurationChanged(configuration: Configuration) {
        super.onConfigurationChanged(configuration)
        turn()
    }

    override fun onTrimMemory(level: Int) {
        super.onTrimMemory(level)
        @Suppress("DEPRECATION") // still told to apps in the foreground before Android 14
        if (level in ComponentCallbacks2.TRIM_MEMORY_RUNNING_LOW until ComponentCallbacks2.TRIM_MEMORY_UI_HIDDEN) {
            stills.scarce = true
        }
    }

    private fun startCamera() {
        if (styles.usable.isEmpty() || photo != null) return
        when {
            !packageManager.hasSystemFeature(PackageManager.FEATURE_CAMERA_ANY) -> show(CameraTrouble.NONE_HERE)
            checkSelfPermission(Manifest.permission.CAMERA) != PackageManager.PERMISSION_GRANTED -> askForCamera()
            else -> {
                screen.hideNotice()
                window.addFlags(WindowManager.LayoutParams.FLAG_KEEP_SCREEN_ON)
                screen.showStatus(if (pipeline?.diagnostics() == null) getString(R.string.starting) else resting())
                startPipeline()
                camera.start()
                turn()
            }
        }
    }

    private fun stopCamera() {
        camera.stop()
        screen.allowShutter(true) // a picture that was being taken went with it
        window.clearFlags(WindowManager.LayoutParams.FLAG_KEEP_SCREEN_ON)
    }

    /** The pipeline alone; frames come from the camera, or from a test. */
    fun startPipeline(): Pipeline = pipeline ?: Pipeline(
        choosers = choosers,
        open = engines,
        heat = { Newer.heat(this) },
        onPicture = { bitmap -> ui.post { if (photo == null) screen.picture.show(bitmap) } },
        onReady = { say(null) },
        onCooler = { say(getString(R.string.cooler)) },
        onFailure = { trials -> ui.post { showNoEngine(trials) } },
        before = ending,
    ).also {
        pipeline = it
        it.look = look
        it.strength = percent * 256 / 100
        it.original = original
        it.start()
    }

    private fun askForCamera() {
        val denied = asked && !shouldShowRequestPermissionRationale(Manifest.permission.CAMERA)
        val text = getString(if (denied) R.string.permission_never_text else R.string.permission_text)
        val button = getString(if (denied) R.string.permission_settings else R.string.permission_ask)
        screen.showNotice(getString(R.string.permission_title), text, button) {
            if (denied) {
                startActivity(Intent(Settings.ACTION_APPLICATION_DETAILS_SETTINGS, Uri.fromParts("package", packageName, null)))
            } else {
                requestPermissions(arrayOf(Manifest.permission.CAMERA), CAMERA)
            }
        }
    }

    override fun onRequestPermissionsResult(request: Int, permissions: Array<String>, results: IntArray) {
        asked = true
        startCamera()
    }

    fun show(trouble: CameraTrouble) {
        stopCamera()
        if (photo != null) return
        val (title, text) = when (trouble) {
            CameraTrouble.NONE_HERE -> R.string.no_camera_title to R.string.no_camera_text
            CameraTrouble.IN_USE -> R.string.in_use_title to R.string.in_use_text
            CameraTrouble.ERROR -> R.string.camera_error_title to R.string.camera_error_text
        }
        val here = trouble != CameraTrouble.NONE_HERE
        val button = getString(if (here) R.string.again else R.string.open_photo)
        screen.showNotice(getString(title), getString(text), button) { if (here) startCamera() else openPhoto() }
    }

    private fun showNoEngine(trials: List<Trial>) {
        val why = trials.joinToString("; ") { getString(R.string.diagnostics_failed, it.backend.toString(), it.failure) }
        screen.showNotice(getString(R.string.no_engine_title), getString(R.string.no_engine_text, why), null) {}
    }

    private fun turn() {
        @Suppress("DEPRECATION") // its successor is of Android 11
        val screenTurn = 90 * windowManager.defaultDisplay.rotation
        val mirrored = camera.mirrored
        val rotation = (camera.mounting + (if (mirrored) screenTurn else 360 - screenTurn)) % 360
        pipeline?.turn = Turn(rotation, mirrored)
    }

    // What the user does

    override fun choose(style: Int) {
        paintAs(Look(styles.usable[style]))
        showChosen()
    }

    override fun mixWith(other: Style?) {
        val style = look?.style ?: return
        paintAs(Look(style, other, HALF))
        showChosen()
        screen.showStatus(resting())
    }

    override fun mixShare(percent: Int) {
        paintAs(look?.takeIf { it.other != null }?.copy(percent = percent) ?: return)
        screen.showStatus(resting())
    }

    private fun paintAs(now: Look) {
        look = now
        pipeline?.look = now
        screen.knobs.describe(resting())
        repaintSoon()
    }

    override fun strokes(times: Float) {
        strokes = times
        screen.showStatus(getString(R.string.strokes_times, times))
        screen.knobs.describe(resting())
        repaintSoon()
    }

    override fun swipe(by: Int) {
        if (styles.usable.isNotEmpty()) choose(Math.floorMod(chosen + by, styles.usable.size))
    }

    override fun hold(original: Boolean) {
        this.original = original
        pipeline?.original = original
        screen.showStatus(if (original) getString(R.string.original) else resting())
        if (photo != null) (if (original) photo else painted ?: photo)?.let(screen.picture::show)
    }

    override fun strength(percent: Int) {
        this.percent = percent
        pipeline?.strength = percent * 256 / 100
        repaintSoon()
    }

    private val repaint = Runnable { paintPhoto() }

    /** Once the user has stopped swiping or sliding. */
    private fun repaintSoon() {
        ui.removeCallbacks(repaint)
        if (photo != null) ui.postDelayed(repaint, 300)
    }

    override fun shutter() {
        if (photo != null) {
            painted?.let { beside { gallery.save(it) } }
            return
        }
        val look = look ?: return
        val strength = percent * 256 / 100 // the user may slide on before it is painted
        val lost = { ui.post { screen.allowShutter(true) }; Unit }
        val rotation = held?.let(camera::stillRotation) ?: pipeline?.turn?.rotation ?: 0
        val taken = camera.capture(rotation, { jpeg ->
            beside {
                stills.decode(jpeg, look.style.models.first())?.let { stills.paint(it, look, strength) }?.let(gallery::save)
                lost()
            }
        }, lost)
        screen.allowShutter(!taken)
    }

    override fun openPhoto() = gallery.open()

    override fun flip() {
        if (photo != null) {
            photo = null
            photoUri = null
            painted = null
            screen.knobs.offerStrokes(null)
            showChosen()
        } else {
            stopCamera()
            camera.flip()
        }
        startCamera()
    }

    override fun share() = gallery.share()

    override fun diagnostics(visible: Boolean) {
        Newer.interceptBack(this, backCallback, backCloses)
        ui.removeCallbacks(refresh)
        if (visible) refresh.run()
    }

    private val refresh = object : Runnable {
        override fun run() {
            screen.diagnostics.show(diagnosticsLines(resources, pipeline?.diagnostics()))
            ui.postDelayed(this, 500)
        }
    }

    override fun selfTest() {
        screen.diagnostics.showSelfTest(getString(R.string.self_test_running), false)
        val backend = pipeline?.diagnostics()?.engine?.backend ?: choosers.inUse() ?: Backend(Backend.Kind.XNNPACK)
        beside {
            val lines = selfTest(styles.usable, backend, resources, engines)
            ui.post {
                screen.showNotice(getString(R.string.self_test), lines.joinToString("\n"), getString(R.string.close)) {
                    screen.hideNotice()
                    if (active) startCamera() // or says again what keeps it from that
                }
                screen.diagnostics.showSelfTest(getString(R.string.self_test), true)
            }
        }
    }

    /** Null: nothing but what is painted. */
    private fun say(text: String?) {
        ui.post { screen.showStatus(text ?: resting()) }
    }

    private fun resting(): String {
        val (style, other, percent) = look ?: return getString(R.string.hint)
        if (other == null) return getString(R.string.hint)
        return getString(R.string.mix_percent, style.title, 100 - percent, other.title, percent)
    }

    /** On the side thread; not at all once the screen is gone. */
    private fun beside(task: () -> Unit) {
        try {
            aside.execute(task)
        } catch (_: RejectedExecutionException) {
        }
    }

    override fun onActivityResult(request: Int, result: Int, data: Intent?) =
        gallery.chosen(request, data?.data?.takeIf { result == RESULT_OK })

    private fun open(uri: Uri) = beside {
        val bytes = try {
            contentResolver.openInputStream(uri)?.use { it.readBytes() }
        } catch (_: IOException) {
            null
        } catch (_: RuntimeException) { // whatever other apps throw
            null
        } catch (_: OutOfMemoryError) {
            null
        }
        val opened = model?.let { model -> bytes?.let { stills.decode(it, model) } }
        ui.post {
            if (opened == null) return@post screen.showStatus(getString(R.string.unreadable))
            stopCamera()
            photo = opened
            photoUri = uri
            painted = null
            screen.hideNotice()
            screen.picture.show(opened)
            screen.knobs.offerStrokes(model?.let { Photos.broadest(opened, it) }, strokeWidth(opened.width, opened.height))
            showChosen()
            paintPhoto()
        }
    }

    private fun paintPhoto() {
        val source = photo ?: return
        val number = ++paintings
        beside {
            val picture = look?.takeIf { number == paintings }?.let { stills.paint(source, it, percent * 256 / 100, strokes) }
            ui.post {
                if (picture == null || photo !== source || number != paintings) return@post
                painted = picture
                if (!original) screen.picture.show(picture)
            }
        }
    }

    private fun benchmark() {
        window.addFlags(WindowManager.LayoutParams.FLAG_KEEP_SCREEN_ON)
        beside(::measure)
    }

    private fun measure() {
        val file = File(getExternalFilesDir(null) ?: filesDir, "benchmark.json")
        file.delete()
        Benchmark(styles.usable, engines, heat = { Newer.heat(this) }).write(file) { model, backend ->
            say(getString(R.string.benchmark_running, model.card.title, backend.toString()))
        }
        ui.post {
            intent.removeExtra("benchmark")
            if (active) startCamera()
            screen.showStatus(getString(R.string.benchmark_done, file.name))
        }
    }

    private fun showChosen() {
        Newer.interceptBack(this, backCallback, backCloses)
        val look = look ?: return
        screen.showChosen(chosen, look, styles.usable.filter(look.style::mixesWith), still = photo != null)
        screen.showFlip(photo != null || camera.several)
    }

    private companion object {
        var ending: Thread? = null // of the pipeline before, perhaps another screen's

        const val CHOSEN = "chosen"
        const val OTHER = "other"
        const val SHARE = "share"
        const val HALF = 50 // percent
        const val SHARED = "shared"
        const val PHOTO_URI = "photo"
        const val CAMERA = 1
    }
}
