package mobile.style.demo

import android.content.Context
import java.nio.ByteBuffer
import mobile.style.core.Backend
import mobile.style.core.Engine

/**
 * Opens engines, and leaves a GPU alone whose driver has ended the app: no exception tells of that, only what was noted
 * before it was set to work.
 */
class GpuGuard(context: Context, private val open: (Model, Backend) -> Engine) : (Model, Backend) -> Engine {
    private val notes = context.getSharedPreferences("gpu", Context.MODE_PRIVATE)

    init {
        ended = ended ?: notes.getBoolean(AT_WORK, false)
    }

    override fun invoke(model: Model, backend: Backend): Engine {
        if (backend.kind != Backend.Kind.GPU) return open(model, backend)
        check(ended != true) { "it ended the app when it was last tried" }
        val engine = noted { open(model, backend) }
        return object : Engine by engine {
            private var proven = false

            override fun paint(input: ByteBuffer, output: ByteBuffer) {
                if (proven) return engine.paint(input, output)
                noted { engine.paint(input, output) }
                proven = true
            }

            override fun close() = noted(engine::close)
        }
    }

    private fun <T> noted(work: () -> T): T {
        notes.edit().putBoolean(AT_WORK, true).commit() // on the disk before the driver has its turn
        try {
            return work()
        } finally {
            notes.edit().putBoolean(AT_WORK, false).apply()
        }
    }

    companion object {
        const val AT_WORK = "at work"

        /** Whether it had, when the app was started; null before that is known. */
        @Volatile var ended: Boolean? = null
    }
}
