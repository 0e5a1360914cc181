package mobile.style.demo

import android.content.Context
import android.content.res.ColorStateList
import android.graphics.Bitmap
import android.graphics.Canvas
import android.graphics.Outline
import android.graphics.Paint
import android.graphics.Typeface
import android.graphics.drawable.GradientDrawable
import android.graphics.drawable.RippleDrawable
import android.view.Gravity
import android.view.View
import android.view.ViewOutlineProvider
import android.widget.ImageButton
import android.widget.ImageView
import android.widget.LinearLayout
import android.widget.TextView

fun Context.dp(value: Int): Int = (value * resources.displayMetrics.density + 0.5f).toInt()

fun label(context: Context, size: Float, color: Int, medium: Boolean = false) = TextView(context).apply {
    textSize = size
    setTextColor(context.getColor(color))
    typeface = Typeface.create(if (medium) "sans-serif-medium" else "sans-serif", Typeface.NORMAL)
}

/** A round button over the picture. */
fun roundButton(context: Context, icon: Int, description: Int, size: Int = 48, onClick: () -> Unit) =
    ImageButton(context).apply {
        setImageResource(icon)
        imageTintList = ColorStateList.valueOf(context.getColor(R.color.over))
        contentDescription = context.getString(description)
        tooltipText = contentDescription
        val pill = GradientDrawable().apply {
            shape = GradientDrawable.OVAL
            setColor(context.getColor(R.color.pill))
        }
        background = RippleDrawable(ColorStateList.valueOf(context.getColor(R.color.over_soft)), pill, null)
        layoutParams = LinearLayout.LayoutParams(context.dp(size), context.dp(size))
        setOnClickListener { onClick() }
    }

/** A button of a sheet, filled with the accent. */
fun filledButton(context: Context, onClick: () -> Unit) = label(context, 16f, R.color.on_accent, medium = true).apply {
    gravity = Gravity.CENTER
    minHeight = context.dp(48)
    setPadding(context.dp(24), context.dp(8), context.dp(24), context.dp(8))
    background = RippleDrawable(
        ColorStateList.valueOf(context.getColor(R.color.over_soft)),
        rounded(context, R.color.accent, 24), null,
    )
    actLikeAButton(this)
    setOnClickListener { onClick() }
}

/** So that the keyboard reaches it, and TalkBack calls it a button. */
fun actLikeAButton(view: View) {
    view.isFocusable = true
    view.accessibilityDelegate = object : View.AccessibilityDelegate() {
        override fun onInitializeAccessibilityNodeInfo(host: View, info: android.view.accessibility.AccessibilityNodeInfo) {
            super.onInitializeAccessibilityNodeInfo(host, info)
            info.className = "android.widget.Button"
        }
    }
}

fun rounded(context: Context, color: Int, radius: Int) = GradientDrawable().apply {
    setColor(context.getColor(color))
    cornerRadius = context.dp(radius).toFloat()
}

/** A style in the strip: its painting, ringed if it is chosen, over its name. */
class StyleTile(context: Context, thumbnail: Bitmap?, title: String) : LinearLayout(context) {
    private val image = ImageView(context)
    private val name = label(context, 12f, R.color.over_soft)

    init {
        orientation = VERTICAL
        gravity = Gravity.CENTER_HORIZONTAL
        isFocusable = true
        contentDescription = context.getString(R.string.style, title)
        setPadding(context.dp(5), context.dp(4), context.dp(5), context.dp(4))
        image.setImageBitmap(thumbnail)
        image.scaleType = ImageView.ScaleType.CENTER_CROP
        image.setBackgroundColor(context.getColor(R.color.pill))
        image.importantForAccessibility = IMPORTANT_FOR_ACCESSIBILITY_NO
        image.clipToOutline = true
        image.outlineProvider = object : ViewOutlineProvider() {
            override fun getOutline(view: View, outline: Outline) =
                outline.setRoundRect(0, 0, view.width, view.height, context.dp(16).toFloat())
        }
        addView(image)
        name.text = title
        name.maxLines = 1
        name.ellipsize = android.text.TextUtils.TruncateAt.END
        name.gravity = Gravity.CENTER
        name.importantForAccessibility = IMPORTANT_FOR_ACCESSIBILITY_NO
        addView(name)
        resize(SMALLEST)
    }

    /** To so many dp a side of its picture. */
    fun resize(side: Int) {
        if (image.layoutParams.width == context.dp(side)) return
        image.layoutParams = LayoutParams(context.dp(side), context.dp(side))
        val wide = context.dp(maxOf(side, SMALLEST + 12))
        name.layoutParams = LayoutParams(wide, LayoutParams.WRAP_CONTENT).apply { topMargin = context.dp(6) }
    }

    override fun setSelected(selected: Boolean) {
        super.setSelected(selected)
        image.foreground = if (!selected) null else GradientDrawable().apply {
            cornerRadius = context.dp(16).toFloat()
            setStroke(context.dp(3), context.getColor(R.color.glow))
        }
        name.setTextColor(context.getColor(if (selected) R.color.glow else R.color.over_soft))
    }

    companion object {
        const val SMALLEST = 64 // dp
        const val LARGEST = 128
    }
}

/** The shutter: a disk in a ring. */
class ShutterButton(context: Context) : View(context) {
    private val paint = Paint(Paint.ANTI_ALIAS_FLAG)

    init {
        id = R.id.shutter
        isClickable = true
        isFocusable = true
        contentDescription = context.getString(R.string.shutter)
    }

    override fun getAccessibilityClassName(): CharSequence = "android.widget.Button"

    override fun drawableStateChanged() {
        super.drawableStateChanged()
        invalidate()
    }

    override fun onDraw(canvas: Canvas) {
        val radius = minOf(width, height) / 2f
        paint.color = context.getColor(R.color.over)
        paint.alpha = if (isEnabled) 255 else 90
        paint.style = Paint.Style.STROKE
        paint.strokeWidth = radius * 0.09f
        canvas.drawCircle(width / 2f, height / 2f, radius * 0.93f, paint)
        paint.style = Paint.Style.FILL
        canvas.drawCircle(width / 2f, height / 2f, radius * if (isPressed) 0.68f else 0.78f, paint)
    }
}
