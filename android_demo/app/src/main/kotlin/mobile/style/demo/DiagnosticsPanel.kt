package mobile.style.demo

import android.content.Context
import android.content.res.ColorStateList
import android.graphics.Typeface
import android.os.Build
import android.view.Gravity
import android.view.View
import android.widget.LinearLayout
import android.widget.ScrollView

/** A line of the panel: a name and its values, one for each column; or a [heading] and the names of its columns. */
class Line(val name: String, vararg val values: String, val heading: Boolean = false)

/** The sheet of measurements, under the name of the phone that they are of. */
class DiagnosticsPanel(context: Context, close: () -> Unit, test: () -> Unit) : ScrollView(context) {
    private val lines = LinearLayout(context).apply { orientation = LinearLayout.VERTICAL }
    private val selfTest = filledButton(context, test)

    init {
        id = R.id.diagnostics
        background = rounded(context, R.color.sheet, 28)
        clipToOutline = true
        val content = LinearLayout(context).apply { orientation = LinearLayout.VERTICAL }
        content.setPadding(context.dp(24), context.dp(16), context.dp(24), context.dp(20))
        val heading = LinearLayout(context).apply { gravity = Gravity.CENTER_VERTICAL }
        heading.addView(title(), LinearLayout.LayoutParams(0, LayoutParams.WRAP_CONTENT, 1f))
        heading.addView(roundButton(context, R.drawable.ic_close, R.string.close, 48, close).apply {
            imageTintList = ColorStateList.valueOf(context.getColor(R.color.ink))
            background = rounded(context, R.color.line, 24)
        })
        content.addView(heading)
        content.addView(lines)
        val below = LinearLayout.LayoutParams(LayoutParams.MATCH_PARENT, LayoutParams.WRAP_CONTENT)
        content.addView(selfTest, below.apply { topMargin = context.dp(16) })
        addView(content)
    }

    private fun title() = LinearLayout(context).apply {
        orientation = LinearLayout.VERTICAL
        addView(label(context, 20f, R.color.ink, medium = true).apply { setText(R.string.info) })
        val phone = context.getString(R.string.diagnostics_phone, Build.MODEL, Build.VERSION.RELEASE)
        addView(label(context, 13f, R.color.ink_soft).apply { text = phone })
    }

    fun show(now: List<Line>) {
        while (lines.childCount > now.size) lines.removeViewAt(now.size)
        now.forEachIndexed { index, line ->
            (lines.getChildAt(index) as LineView? ?: LineView(context).also(lines::addView)).show(line)
        }
    }

    fun showSelfTest(text: String, possible: Boolean) {
        selfTest.text = text
        selfTest.isEnabled = possible
        selfTest.alpha = if (possible) 1f else 0.5f
    }
}

/** Two values are in columns, the same in every line; one has the room of both and more. */
private class LineView(context: Context) : LinearLayout(context) {
    private val name = label(context, 14f, R.color.ink_soft)
    private val values = COLUMNS.map { label(context, 14f, R.color.ink, medium = true) }

    init {
        isBaselineAligned = true
        addView(name, LayoutParams(0, LayoutParams.WRAP_CONTENT, 1f))
        for (value in values) {
            value.gravity = Gravity.END
            value.fontFeatureSettings = "tnum"
            addView(value)
        }
    }

    fun show(line: Line) {
        name.text = line.name
        values.forEachIndexed { index, view ->
            val text = line.values.getOrNull(index)
            view.text = text
            view.visibility = if (text == null) View.GONE else View.VISIBLE
            view.layoutParams = if (line.values.size > 1) LayoutParams(context.dp(COLUMNS[index]), LayoutParams.WRAP_CONTENT) else
                LayoutParams(0, LayoutParams.WRAP_CONTENT, WIDER)
        }
        name.typeface = Typeface.create(if (line.heading) "sans-serif-medium" else "sans-serif", Typeface.NORMAL)
        Newer.heading(name, line.heading)
        setPadding(0, context.dp(if (line.heading) 14 else 3), 0, context.dp(3))
        name.textSize = if (line.heading) 13f else 14f
        for (view in values) view.textSize = if (line.heading) 12f else 14f
        name.setTextColor(context.getColor(if (line.heading) R.color.accent else R.color.ink_soft))
        for (view in values) view.setTextColor(context.getColor(if (line.heading) R.color.ink_soft else R.color.ink))
    }

    private companion object {
        val COLUMNS = listOf(64, 104) // dp
        const val WIDER = 1.5f
    }
}
