package mobile.style.demo

import java.nio.ByteBuffer
import mobile.style.core.Backend
import mobile.style.core.Engine
import org.tensorflow.lite.Interpreter
import org.tensorflow.lite.executionPlanLength
import org.tensorflow.lite.gpu.GpuDelegate
import org.tensorflow.lite.gpu.GpuDelegateFactory

/** A model in TensorFlow Lite. Throws what the library throws: it is the chooser that decides what to do about it. */
class LiteEngine(model: ByteBuffer, override val backend: Backend) : Engine {
    private val gpu: GpuDelegate?
    private val interpreter: Interpreter
    override val nodes: Int
    override val delegated: Int

    init {
        val options = Interpreter.Options().setNumThreads(backend.threads)
        options.setUseXNNPACK(backend.kind == Backend.Kind.XNNPACK)
        gpu = if (backend.kind == Backend.Kind.GPU) GpuDelegate(gpuOptions()) else null
        try {
            gpu?.let(options::addDelegate)
            nodes = planned(model)
            interpreter = Interpreter(model, options)
        } catch (error: Throwable) {
            gpu?.close()
            throw error
        }
        interpreter.allocateTensors()
        val planned = executionPlanLength(interpreter)
        // The delegate's part counts as one step of the plan; were it several, this would be the least.
        delegated = if (planned < nodes) nodes - planned + 1 else 0
    }

    override fun paint(input: ByteBuffer, output: ByteBuffer) {
        input.rewind()
        output.rewind()
        interpreter.run(input, output)
    }

    override fun close() {
        interpreter.close()
        gpu?.close()
    }

    private fun planned(model: ByteBuffer): Int {
        val plain = Interpreter.Options().setUseXNNPACK(false)
        return Interpreter(model, plain).use(::executionPlanLength)
    }

    private fun gpuOptions() = GpuDelegateFactory.Options()
        .setQuantizedModelsAllowed(true)
        .setInferencePreference(GpuDelegateFactory.Options.INFERENCE_PREFERENCE_SUSTAINED_SPEED)
}
