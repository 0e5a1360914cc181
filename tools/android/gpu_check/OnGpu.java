import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.tensorflowlite.BuiltinOpResolverWithoutDefaultDelegates;
import org.bytedeco.tensorflowlite.FlatBufferModel;
import org.bytedeco.tensorflowlite.Interpreter;
import org.bytedeco.tensorflowlite.InterpreterBuilder;
import org.bytedeco.tensorflowlite.TfLiteDelegate;
import org.bytedeco.tensorflowlite.global.tensorflowlite;
import org.tensorflow.lite.gpu.GpuDelegate;
import org.tensorflow.lite.gpu.GpuDelegateFactory;

/** Runs MODEL on the GPU delegate: reads PHOTO, raw floats, writes PAINTED, and prints the steps of the plan. */
public class OnGpu {
    static class Address extends Pointer {
        Address(long value) {
            address = value;
        }
    }

    public static void main(String[] paths) throws Exception {
        byte[] content = Files.readAllBytes(Path.of(paths[0]));
        ByteBuffer file = ByteBuffer.allocateDirect(content.length).put(content).rewind();
        FlatBufferModel model = FlatBufferModel.BuildFromBuffer(new BytePointer(file), content.length);
        Interpreter interpreter = new Interpreter((Pointer) null);
        check(new InterpreterBuilder(model, new BuiltinOpResolverWithoutDefaultDelegates()).apply(interpreter));
        long nodes = interpreter.execution_plan().limit();
        // As the app's, but for tuning: each way to cut up the work is compiled anew, which takes a processor hours.
        int once = GpuDelegateFactory.Options.INFERENCE_PREFERENCE_FAST_SINGLE_ANSWER;
        GpuDelegate gpu = new GpuDelegate(new GpuDelegateFactory.Options().setQuantizedModelsAllowed(false).setInferencePreference(once));
        check(interpreter.ModifyGraphWithDelegate(new TfLiteDelegate(new Address(gpu.getNativeHandle()))));
        check(interpreter.AllocateTensors());
        long steps = interpreter.execution_plan().limit();
        tensor(interpreter, true).put(Files.readAllBytes(Path.of(paths[1])));
        check(interpreter.Invoke());
        byte[] painted = new byte[content(interpreter)];
        tensor(interpreter, false).get(painted);
        Files.write(Path.of(paths[2]), painted);
        System.out.println(nodes + " operators in " + steps + " step(s)");
        interpreter.close();
        gpu.close();
    }

    private static int content(Interpreter interpreter) {
        return (int) interpreter.output_tensor(0).bytes();
    }

    private static ByteBuffer tensor(Interpreter interpreter, boolean input) {
        var tensor = input ? interpreter.input_tensor(0) : interpreter.output_tensor(0);
        Pointer data = tensorflowlite.TfLiteTensorData(tensor).capacity(tensor.bytes());
        return data.asByteBuffer().order(ByteOrder.nativeOrder());
    }

    private static void check(int status) {
        if (status != tensorflowlite.kTfLiteOk) throw new IllegalStateException("TensorFlow Lite answered " + status);
    }
}
