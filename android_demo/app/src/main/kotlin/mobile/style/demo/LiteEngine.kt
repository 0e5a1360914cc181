package mobile.style.demo

import java.nio.ByteBuffer
import mobile.style.core.Backend
import mobile.style.core.Engine
import mobile.style.core.FloatPictures
import mobile.style.core.shareBytes
import mobile.style.core.shares
import org.bytedeco.javacpp.BytePointer
import org.bytedeco.javacpp.Pointer
import org.bytedeco.tensorflowlite.BuiltinOpResolver
import org.bytedeco.tensorflowlite.BuiltinOpResolverWithoutDefaultDelegates
import org.bytedeco.tensorflowlite.FlatBufferModel
import org.bytedeco.tensorflowlite.Interpreter
import org.bytedeco.tensorflowlite.InterpreterBuilder
import org.bytedeco.tensorflowlite.TfLiteDelegate
import org.bytedeco.tensorflowlite.TfLiteTensor
import org.bytedeco.tensorflowlite.global.tensorflowlite
import org.tensorflow.lite.gpu.GpuDelegate
import org.tensorflow.lite.gpu.GpuDelegateFactory

/**
 * A model in TensorFlow Lite. Throws what the library throws: it is the chooser that decides what to do about it.
 *
 * [model] is a direct buffer. Its input and output are pictures of bytes, or of floats of the same range; a second input
 * takes the share of each of its styles, as bytes or floats, too.
 */
class LiteEngine(private val model: ByteBuffer, override val backend: Backend) : Engine {
    private val opened = ArrayDeque<AutoCloseable>()
    private val interpreter: Interpreter
    private val given: ByteBuffer
    private val wanted: ByteBuffer
    private val mix: ByteBuffer?
    private val floats: FloatPictures?
    override val nodes: Int
    override val delegated: Int

    init {
        try {
            val file = FlatBufferModel.BuildFromBuffer(BytePointer(model), model.remaining().toLong())
            check(file != null && !file.isNull) { "it is no TensorFlow Lite model" }
            opened += file
            // The resolver of all operators has XNNPACK take what it can.
            val operators = if (backend.kind == Backend.Kind.XNNPACK) BuiltinOpResolver() else BuiltinOpResolverWithoutDefaultDelegates()
            opened += operators
            interpreter = Interpreter(null as Pointer?)
            InterpreterBuilder(file, operators).use {
                checked("SetNumThreads", it.SetNumThreads(backend.threads))
                checked("InterpreterBuilder", it.apply(interpreter))
            }
            opened += interpreter
            nodes = interpreter.execution_plan().limit().toInt()
            if (backend.kind == Backend.Kind.GPU) delegateToGpu()
            checked("AllocateTensors", interpreter.AllocateTensors())
            val delegates = interpreter.nodes_size().toInt() - nodes // a delegate adds a node for each part that it takes
            delegated = nodes + delegates - interpreter.execution_plan().limit().toInt()
            val inputs = List(interpreter.inputs().limit().toInt()) { interpreter.input_tensor(it.toLong()) }
            val input = inputs.single { !isMix(it) }
            given = bytesOf(input)
            wanted = bytesOf(interpreter.output_tensor(0))
            floats = if (input.type() == tensorflowlite.kTfLiteFloat32) FloatPictures(given.capacity() / Float.SIZE_BYTES) else null
            mix = inputs.firstOrNull(::isMix)?.let(::bytesOf)
            mix?.let { mix(shares(it.capacity() / if (floats == null) 1 else Float.SIZE_BYTES, 0)) }
        } catch (error: Throwable) {
            close()
            throw error
        }
    }

    override fun mix(shares: FloatArray) {
        val taken = checkNotNull(mix) { "the model has one style" }
        taken.rewind()
        if (floats == null) taken.put(shareBytes(shares)) else taken.asFloatBuffer().put(shares)
    }

    override fun paint(input: ByteBuffer, output: ByteBuffer) {
        input.rewind()
        output.rewind()
        given.rewind()
        wanted.rewind()
        if (floats == null) given.put(input) else floats.read(input, given.asFloatBuffer())
        checked("Invoke", interpreter.Invoke())
        if (floats == null) output.put(wanted) else floats.write(wanted.asFloatBuffer(), output)
    }

    override fun close() {
        while (opened.isNotEmpty()) opened.removeLast().close()
    }

    private fun delegateToGpu() {
        val options = GpuDelegateFactory.Options().setQuantizedModelsAllowed(false)
            .setInferencePreference(GpuDelegateFactory.Options.INFERENCE_PREFERENCE_SUSTAINED_SPEED)
        val gpu = GpuDelegate(options)
        opened.add(opened.size - 1, gpu) // the interpreter is closed before it
        checked("ModifyGraphWithDelegate", interpreter.ModifyGraphWithDelegate(TfLiteDelegate(Address(gpu.nativeHandle))))
    }

    private fun bytesOf(tensor: TfLiteTensor): ByteBuffer =
        tensorflowlite.TfLiteTensorData(tensor).capacity<Pointer>(tensor.bytes()).asByteBuffer()

    private fun isMix(tensor: TfLiteTensor) = tensor.dims().let { it.data(1) == 1 && it.data(2) == 1 }

    private fun checked(call: String, status: Int) = check(status == tensorflowlite.kTfLiteOk) { "$call failed ($status)" }

    private class Address(value: Long) : Pointer() {
        init {
            address = value
        }
    }

    companion object {
        init {
            // Engines are closed by hand; JavaCPP shall not weigh the process' memory, graphics included, on each allocation.
            System.setProperty("org.bytedeco.javacpp.maxphysicalbytes", "0")
        }

        /** The interpreter's version. */
        fun version(): String = tensorflowlite.TfLiteVersion().string
    }
}
