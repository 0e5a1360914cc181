package mobile.style.demo

import android.content.Context
import android.graphics.Bitmap
import android.graphics.Canvas
import android.graphics.Matrix
import android.graphics.Paint
import android.graphics.Path
import android.graphics.RectF
import android.view.GestureDetector
import android.view.MotionEvent
import android.view.View
import android.view.accessibility.AccessibilityNodeInfo
import android.view.accessibility.AccessibilityNodeInfo.AccessibilityAction
import kotlin.math.abs

/**
 * The painting: whole, as large as fits beside the controls, on a soft and dark version of itself that fills the screen.
 *
 * Swiping sideways asks for another style; holding shows the original.
 */
class PictureView(context: Context) : View(context) {
    var onSwipe: (Int) -> Unit = {}
    var onHold: (Boolean) -> Unit = {}

    /** What is on the screen. */
    var shown: Bitmap? = null
        private set
    private val ambient = Bitmap.createBitmap(AMBIENT, AMBIENT, Bitmap.Config.ARGB_8888)
    private val ambientCanvas = Canvas(ambient)
    private val smooth = Paint(Paint.FILTER_BITMAP_FLAG)
    private val shade = context.getColor(R.color.night) and 0xFFFFFF or (0xA6 shl 24)
    private val place = RectF()
    private val source = RectF()
    private val matrix = Matrix()
    private val clip = Path()
    private val radius = 20 * resources.displayMetrics.density
    private val free = IntArray(4)
    private var holding = false

    private val gestures = GestureDetector(context, object : GestureDetector.SimpleOnGestureListener() {
        override fun onDown(event: MotionEvent) = true

        override fun onLongPress(event: MotionEvent) = hold(true)

        override fun onFling(from: MotionEvent?, to: MotionEvent, vx: Float, vy: Float): Boolean {
            if (abs(vx) < abs(vy)) return false
            onSwipe(if (vx < 0) 1 else -1)
            return true
        }
    })

    /** What the controls cover: left, top, right, bottom. */
    fun keepFree(left: Int, top: Int, right: Int, bottom: Int) {
        free[0] = left
        free[1] = top
        free[2] = right
        free[3] = bottom
        invalidate()
    }

    fun show(bitmap: Bitmap) {
        shown = bitmap
        invalidate()
    }

    override fun onDraw(canvas: Canvas) {
        val picture = shown ?: return
        source.set(0f, 0f, picture.width.toFloat(), picture.height.toFloat())
        drawAmbient(canvas, picture)
        place.set(free[0].toFloat(), free[1].toFloat(), (width - free[2]).toFloat(), (height - free[3]).toFloat())
        matrix.setRectToRect(source, place, Matrix.ScaleToFit.CENTER)
        matrix.mapRect(place, source)
        val wide = place.left <= 0f && place.right >= width
        clip.rewind()
        clip.addRoundRect(place, if (wide) 0f else radius, if (wide) 0f else radius, Path.Direction.CW)
        canvas.save()
        canvas.clipPath(clip)
        canvas.drawBitmap(picture, matrix, smooth)
        canvas.restore()
    }

    private fun drawAmbient(canvas: Canvas, picture: Bitmap) {
        matrix.setScale(AMBIENT / source.width(), AMBIENT / source.height())
        ambientCanvas.drawBitmap(picture, matrix, smooth)
        val scale = maxOf(width, height).toFloat() / AMBIENT
        matrix.setScale(scale, scale)
        matrix.postTranslate((width - scale * AMBIENT) / 2, (height - scale * AMBIENT) / 2)
        canvas.drawBitmap(ambient, matrix, smooth)
        canvas.drawColor(shade)
    }

    override fun onTouchEvent(event: MotionEvent): Boolean {
        gestures.onTouchEvent(event)
        if (event.actionMasked == MotionEvent.ACTION_UP || event.actionMasked == MotionEvent.ACTION_CANCEL) hold(false)
        return true
    }

    override fun onInitializeAccessibilityNodeInfo(info: AccessibilityNodeInfo) {
        super.onInitializeAccessibilityNodeInfo(info)
        info.addAction(AccessibilityAction(R.id.next_style, context.getString(R.string.next_style)))
        info.addAction(AccessibilityAction(R.id.previous_style, context.getString(R.string.previous_style)))
        info.addAction(AccessibilityAction(R.id.show_original, context.getString(R.string.show_original)))
    }

    override fun performAccessibilityAction(action: Int, arguments: android.os.Bundle?): Boolean = when (action) {
        R.id.next_style -> true.also { onSwipe(1) }
        R.id.previous_style -> true.also { onSwipe(-1) }
        R.id.show_original -> true.also { hold(!holding) }
        else -> super.performAccessibilityAction(action, arguments)
    }

    private fun hold(now: Boolean) {
        if (holding != now) onHold(now)
        holding = now
    }

    private companion object {
        const val AMBIENT = 12
    }
}
