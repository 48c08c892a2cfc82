package vn.sotay.app

import android.app.Application
import android.net.ConnectivityManager
import android.net.Network
import android.net.NetworkCapabilities
import androidx.lifecycle.DefaultLifecycleObserver
import androidx.lifecycle.LifecycleOwner
import androidx.lifecycle.ProcessLifecycleOwner
import java.io.File
import kotlin.time.Duration.Companion.seconds
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.SupervisorJob
import kotlinx.coroutines.async
import kotlinx.coroutines.launch
import vn.sotay.Connectivity
import vn.sotay.Handbook
import vn.sotay.NetworkState
import vn.sotay.Platform
import vn.sotay.SotayException

/** One handbook for the life of the process; the system's events become its life cycle calls. */
class App : Application(), DefaultLifecycleObserver {
    private val scope = CoroutineScope(SupervisorJob() + Dispatchers.Main)

    /** The handbook, opened or made at the first start. */
    val handbook by lazy {
        scope.async {
            val folder = File(filesDir, "profile")
            val platform = Platform(vault = KeystoreVault(), connectivity = Networks(), followWhenMetered = false)
            try {
                Handbook.open(folder, platform)
            } catch (error: SotayException.Input) {
                if (error.code != "no_profile") throw error
                Handbook.create(folder, label = android.os.Build.MODEL.take(20), platform)
            }
        }
    }

    override fun onCreate() {
        super<Application>.onCreate()
        ProcessLifecycleOwner.get().lifecycle.addObserver(this)
        manager().registerDefaultNetworkCallback(
            object : ConnectivityManager.NetworkCallback() {
                override fun onAvailable(network: Network) = tell { it.networkChanged() }

                override fun onLost(network: Network) = tell { it.networkChanged() }
            },
        )
    }

    override fun onStart(owner: LifecycleOwner) = tell { it.resume() }

    override fun onStop(owner: LifecycleOwner) = tell { it.enterBackground(5.seconds) }

    @Deprecated("called by the system")
    override fun onLowMemory() {
        super.onLowMemory()
        tell { it.lowMemory() }
    }

    private fun tell(what: suspend (Handbook) -> Unit) {
        scope.launch { runCatching { what(handbook.await()) } }
    }

    private fun manager() = getSystemService(ConnectivityManager::class.java)

    private inner class Networks : Connectivity {
        override fun network(): NetworkState {
            val capabilities = manager().run { getNetworkCapabilities(activeNetwork) } ?: return NetworkState.OFFLINE
            return when {
                capabilities.hasCapability(NetworkCapabilities.NET_CAPABILITY_NOT_METERED) -> NetworkState.UNMETERED
                else -> NetworkState.METERED
            }
        }
    }
}
