package androidx.test.platform.app;

import android.app.Instrumentation;
import android.os.Bundle;

/** Stands in for the class of androidx.test, which is in Google's repository only; what Robolectric calls, no more. */
public final class InstrumentationRegistry {
    private static volatile Instrumentation instance;

    private InstrumentationRegistry() {}

    public static Instrumentation getInstrumentation() {
        if (instance == null) {
            throw new IllegalStateException("no instrumentation");
        }
        return instance;
    }

    public static void registerInstance(Instrumentation instrumentation, Bundle arguments) {
        instance = instrumentation;
    }
}
