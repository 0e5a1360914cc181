plugins {
    alias(libs.plugins.android.application)
}

android {
    namespace = "mobile.style.demo"
    compileSdk = 36

    defaultConfig {
        applicationId = "mobile.style.demo"
        minSdk = 26
        targetSdk = 36
        versionCode = 2
        versionName = "0.2.0"
        ndk { abiFilters += listOf("arm64-v8a", "x86_64") }
    }

    // The models are mapped into memory, not read.
    androidResources { noCompress += "tflite" }

    // Each of JavaCPP's jars has these, for other machines than phones.
    packaging { resources.excludes += listOf("META-INF/maven/**", "META-INF/native-image/**") }

    compileOptions {
        sourceCompatibility = JavaVersion.VERSION_1_8
        targetCompatibility = JavaVersion.VERSION_1_8
    }

    testOptions { unitTests.isIncludeAndroidResources = true }
}

dependencies {
    implementation(project(":core"))
    implementation(libs.tensorflow.lite)
    implementation(variantOf(libs.tensorflow.lite) { classifier("android-arm64") })
    implementation(variantOf(libs.tensorflow.lite) { classifier("android-x86_64") })
    implementation(libs.javacpp)
    implementation(variantOf(libs.javacpp) { classifier("android-arm64") })
    implementation(variantOf(libs.javacpp) { classifier("android-x86_64") })
    // `make android-tools` makes it of Maven Central's: its libraries are aligned for memory pages of 16 KB.
    implementation(files("../.toolchain/tensorflow-lite-gpu-16k.aar"))
    implementation(libs.tensorflow.lite.api)
    implementation(libs.tensorflow.lite.gpu.api)
    testImplementation(libs.junit)
    testImplementation(libs.robolectric)
    testImplementation(variantOf(libs.tensorflow.lite) { classifier("linux-x86_64") })
    testImplementation(variantOf(libs.javacpp) { classifier("linux-x86_64") })
}
