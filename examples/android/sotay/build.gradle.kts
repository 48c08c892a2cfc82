plugins {
    id("com.android.library")
    id("org.jetbrains.kotlin.android")
}

android {
    namespace = "vn.sotay"
    compileSdk = 35
    defaultConfig {
        // java.time without desugaring.
        minSdk = 26
        consumerProguardFiles("consumer-rules.pro")
    }
    // The wrapper and the models are the same files that Maven compiles and tests.
    sourceSets["main"].kotlin.srcDirs("../../../bindings/kotlin/sotay/src/main/kotlin", "../../kotlin-phone/src/main/kotlin")
    compileOptions {
        sourceCompatibility = JavaVersion.VERSION_17
        targetCompatibility = JavaVersion.VERSION_17
    }
}

kotlin {
    jvmToolchain(17)
}

dependencies {
    // 5.18.1 is the first whose libraries have 16 KB pages.
    api("net.java.dev.jna:jna:5.18.1@aar")
    api("org.jetbrains.kotlinx:kotlinx-coroutines-android:1.10.2")
}
