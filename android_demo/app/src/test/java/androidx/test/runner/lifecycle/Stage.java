package androidx.test.runner.lifecycle;

/** Stands in for the class of androidx.test, which is in Google's repository only; what Robolectric calls, no more. */
public enum Stage {
    PRE_ON_CREATE, CREATED, STARTED, RESUMED, PAUSED, STOPPED, RESTARTED, DESTROYED
}
