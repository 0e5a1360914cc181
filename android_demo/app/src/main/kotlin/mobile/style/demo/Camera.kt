package mobile.style.demo

import android.annotation.SuppressLint
import android.content.Context
import android.graphics.ImageFormat
import android.hardware.camera2.CameraAccessException
import android.hardware.camera2.CameraCaptureSession
import android.hardware.camera2.CameraCharacteristics
import android.hardware.camera2.CameraDevice
import android.hardware.camera2.CameraManager
import android.hardware.camera2.CaptureFailure
import android.hardware.camera2.CaptureRequest
import android.media.Image
import android.media.ImageReader
import android.os.Handler
import android.os.HandlerThread
import android.os.SystemClock
import android.util.Size
import android.view.Surface
import kotlin.math.abs
import mobile.style.core.Plane
import mobile.style.core.YuvFrame

/** A frame on its way through the app: [yuv] until [close], taken [age] nanoseconds before it was asked. */
class Frame(
    private val yuv: YuvFrame,
    private val taken: Long,
    private val clock: () -> Long,
    private val gate: Gate = Gate(),
    private val end: () -> Unit,
) {
    val width get() = yuv.width
    val height get() = yuv.height

    /** False if the camera was closed in the meantime: its frames' memory is gone then. */
    fun read(block: (YuvFrame) -> Unit): Boolean = synchronized(gate) { gate.open.also { if (it) block(yuv) } }

    val age get() = clock() - taken

    /** A closed camera's frames have gone with it. */
    fun close() = synchronized(gate) { if (gate.open) end() }
}

/** Open until a camera's frames are taken away. */
class Gate { var open = true }

enum class CameraTrouble { NONE_HERE, IN_USE, ERROR }

/**
 * The camera behind Camera2: small frames for the network, and a large picture when asked.
 *
 * All calls and answers are on its own thread, but [start] and [stop].
 */
class Camera(
    private val context: Context,
    private val onFrame: (Frame) -> Unit,
    private val onTrouble: (CameraTrouble) -> Unit,
) {
    private val manager = context.getSystemService(Context.CAMERA_SERVICE) as CameraManager
    private var thread: HandlerThread? = null
    private var device: CameraDevice? = null
    private var session: CameraCaptureSession? = null
    private var frames: ImageReader? = null
    private var gate = Gate()
    private var stills: ImageReader? = null
    private var facing = CameraCharacteristics.LENS_FACING_BACK

    /** How the sensor is mounted, clockwise; and whether the picture is shown as in a mirror. */
    var mounting = 0
        private set
    val mirrored get() = facing == CameraCharacteristics.LENS_FACING_FRONT

    /** Whether there is one to flip to. */
    val several by lazy { facings().distinct().size > 1 }

    @SuppressLint("MissingPermission") // the activity asks for it first
    fun start() {
        if (thread != null) return
        val handler = HandlerThread("camera").also { thread = it; it.start() }.let { Handler(it.looper) }
        val id = chosen() ?: return onTrouble(CameraTrouble.NONE_HERE)
        try {
            prepare(id, handler)
            manager.openCamera(id, callback(handler), handler)
        } catch (error: CameraAccessException) {
            onTrouble(if (error.reason == CameraAccessException.CAMERA_IN_USE) CameraTrouble.IN_USE else CameraTrouble.ERROR)
        } catch (_: RuntimeException) { // what the permission's withdrawal or a broken camera service throws
            onTrouble(CameraTrouble.ERROR)
        }
    }

    fun stop() {
        session = null
        device?.close()
        device = null
        synchronized(gate) { // waits for the frame that is being taken or converted
            gate.open = false
            frames?.close()
            stills?.close()
        }
        frames = null
        stills = null
        thread?.quitSafely()
        thread = null
    }

    /** The other camera is what starts next. */
    fun flip() {
        facing = if (mirrored) CameraCharacteristics.LENS_FACING_BACK else CameraCharacteristics.LENS_FACING_FRONT
    }

    /** How a still is to be turned where the phone is held [held] degrees clockwise from upright. */
    fun stillRotation(held: Int): Int = (mounting + (if (mirrored) 360 - held else held)) % 360

    /** Takes a large picture and hands its JPEG on, or says [onLost]; false if the camera is not ready. */
    fun capture(rotation: Int, onJpeg: (ByteArray) -> Unit, onLost: () -> Unit): Boolean {
        val session = session ?: return false
        val reader = stills ?: return false
        val handler = thread?.looper?.let(::Handler) ?: return false
        val gate = gate
        reader.setOnImageAvailableListener({ source ->
            val jpeg = synchronized(gate) {
                if (!gate.open) return@setOnImageAvailableListener
                source.acquireLatestImage()?.use { image ->
                    val buffer = image.planes[0].buffer
                    ByteArray(buffer.remaining()).also(buffer::get)
                }
            }
            jpeg?.let(onJpeg)
        }, handler)
        return try {
            val request = session.device.createCaptureRequest(CameraDevice.TEMPLATE_STILL_CAPTURE)
            request.addTarget(reader.surface)
            request.set(CaptureRequest.JPEG_ORIENTATION, rotation)
            session.capture(request.build(), lost(onLost), handler)
            true
        } catch (_: CameraAccessException) {
            false
        } catch (_: IllegalStateException) { // closed in the meantime
            false
        }
    }

    private fun lost(then: () -> Unit) = object : CameraCaptureSession.CaptureCallback() {
        override fun onCaptureFailed(session: CameraCaptureSession, request: CaptureRequest, why: CaptureFailure) = then()
        override fun onCaptureBufferLost(session: CameraCaptureSession, request: CaptureRequest, target: Surface, frame: Long) =
            then()
    }

    private fun facings() = ids().mapNotNull(::facing)

    private fun chosen(): String? = ids().let { all -> all.firstOrNull { facing(it) == facing } ?: all.firstOrNull() }

    private fun ids(): List<String> = try {
        manager.cameraIdList.toList()
    } catch (_: CameraAccessException) {
        emptyList()
    }

    /** Where a camera looks; null of one that phones list and know nothing of, or that has just been unplugged. */
    private fun facing(id: String): Int? = try {
        manager.getCameraCharacteristics(id).get(CameraCharacteristics.LENS_FACING)
    } catch (_: CameraAccessException) {
        null
    } catch (_: RuntimeException) {
        null
    } catch (_: AssertionError) {
        null
    }

    private fun prepare(id: String, handler: Handler) {
        val facts = manager.getCameraCharacteristics(id)
        facing = facts.get(CameraCharacteristics.LENS_FACING) ?: facing
        mounting = facts.get(CameraCharacteristics.SENSOR_ORIENTATION) ?: 0
        val map = facts.get(CameraCharacteristics.SCALER_STREAM_CONFIGURATION_MAP)
        val small = nearest(map?.getOutputSizes(ImageFormat.YUV_420_888), 640L * 480) ?: Size(640, 480)
        val large = nearest(map?.getOutputSizes(ImageFormat.JPEG), 2048L * 1536) ?: small
        val realtime = facts.get(CameraCharacteristics.SENSOR_INFO_TIMESTAMP_SOURCE) ==
            CameraCharacteristics.SENSOR_INFO_TIMESTAMP_SOURCE_REALTIME
        val clock: () -> Long = if (realtime) SystemClock::elapsedRealtimeNanos else System::nanoTime
        val gate = Gate().also { gate = it }
        frames = ImageReader.newInstance(small.width, small.height, ImageFormat.YUV_420_888, 4).also { reader ->
            reader.setOnImageAvailableListener({ source ->
                val taken = synchronized(gate) {
                    if (gate.open) source.acquireLatestImage()?.let { frame(it, clock, gate) } else null
                }
                taken?.let(onFrame)
            }, handler)
        }
        stills = ImageReader.newInstance(large.width, large.height, ImageFormat.JPEG, 1)
    }

    private fun nearest(sizes: Array<Size>?, pixels: Long): Size? =
        sizes?.minByOrNull { abs(it.width.toLong() * it.height - pixels) }

    private fun frame(image: Image, clock: () -> Long, gate: Gate): Frame {
        val (y, u, v) = image.planes.map { Plane(it.buffer, it.rowStride, it.pixelStride) }
        return Frame(YuvFrame(image.width, image.height, y, u, v), image.timestamp, clock, gate, image::close)
    }

    private fun callback(handler: Handler) = object : CameraDevice.StateCallback() {
        override fun onOpened(camera: CameraDevice) {
            val small = frames?.surface
            val large = stills?.surface
            if (small == null || large == null) return camera.close() // stopped while it opened
            device = camera
            try {
                @Suppress("DEPRECATION") // its successor is of Android 9
                camera.createCaptureSession(listOf(small, large), running(camera), handler)
            } catch (_: CameraAccessException) {
                onTrouble(CameraTrouble.ERROR)
            } catch (_: IllegalStateException) { // closed in the meantime
                camera.close()
            } catch (_: IllegalArgumentException) { // and so were its surfaces
                camera.close()
            }
        }

        override fun onDisconnected(camera: CameraDevice) {
            camera.close()
            onTrouble(CameraTrouble.IN_USE)
        }

        override fun onError(camera: CameraDevice, error: Int) {
            camera.close()
            val busy = error == ERROR_CAMERA_IN_USE || error == ERROR_MAX_CAMERAS_IN_USE
            onTrouble(if (busy) CameraTrouble.IN_USE else CameraTrouble.ERROR)
        }
    }

    private fun running(camera: CameraDevice) = object : CameraCaptureSession.StateCallback() {
        override fun onConfigured(configured: CameraCaptureSession) {
            val target = frames?.surface ?: return
            session = configured
            try {
                val request = camera.createCaptureRequest(CameraDevice.TEMPLATE_PREVIEW).apply { addTarget(target) }
                configured.setRepeatingRequest(request.build(), null, null)
            } catch (_: CameraAccessException) {
                onTrouble(CameraTrouble.ERROR)
            } catch (_: IllegalStateException) { // closed in the meantime
                session = null
            }
        }

        override fun onConfigureFailed(failed: CameraCaptureSession) = onTrouble(CameraTrouble.ERROR)
    }
}
