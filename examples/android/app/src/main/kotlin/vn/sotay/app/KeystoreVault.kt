package vn.sotay.app

import android.security.keystore.KeyGenParameterSpec
import android.security.keystore.KeyPermanentlyInvalidatedException
import android.security.keystore.KeyProperties
import android.security.keystore.UserNotAuthenticatedException
import java.security.KeyStore
import javax.crypto.AEADBadTagException
import javax.crypto.Cipher
import javax.crypto.KeyGenerator
import javax.crypto.SecretKey
import javax.crypto.spec.GCMParameterSpec
import vn.sotay.KeyVault
import vn.sotay.VaultLevel
import vn.sotay.VaultRefusal

/** Wraps the phone's keys under AES keys that never leave the Android Keystore, one for every label. */
class KeystoreVault : KeyVault {
    private val store = KeyStore.getInstance("AndroidKeyStore").apply { load(null) }

    override fun level() = VaultLevel.TRUSTED_ENVIRONMENT

    override fun wrap(label: String, secret: ByteArray): ByteArray = refusing {
        val cipher = Cipher.getInstance(CIPHER).apply { init(Cipher.ENCRYPT_MODE, key(label) ?: made(label)) }
        cipher.updateAAD(label.toByteArray())
        cipher.iv + cipher.doFinal(secret)
    }

    override fun unwrap(label: String, wrapped: ByteArray): ByteArray = refusing {
        val key = key(label) ?: throw VaultRefusal.Gone()
        if (wrapped.size < NONCE) throw VaultRefusal.Forged()
        val cipher = Cipher.getInstance(CIPHER).apply { init(Cipher.DECRYPT_MODE, key, GCMParameterSpec(128, wrapped, 0, NONCE)) }
        cipher.updateAAD(label.toByteArray())
        cipher.doFinal(wrapped, NONCE, wrapped.size - NONCE)
    }

    override fun destroy(label: String) = refusing { store.deleteEntry(PREFIX + label) }

    private fun key(label: String) = store.getKey(PREFIX + label, null) as SecretKey?

    private fun made(label: String): SecretKey {
        val spec =
            KeyGenParameterSpec.Builder(PREFIX + label, KeyProperties.PURPOSE_ENCRYPT or KeyProperties.PURPOSE_DECRYPT)
                .setBlockModes(KeyProperties.BLOCK_MODE_GCM)
                .setEncryptionPaddings(KeyProperties.ENCRYPTION_PADDING_NONE)
                .build()
        return KeyGenerator.getInstance(KeyProperties.KEY_ALGORITHM_AES, "AndroidKeyStore").apply { init(spec) }.generateKey()
    }

    private fun <T> refusing(call: () -> T): T =
        try {
            call()
        } catch (refusal: VaultRefusal) {
            throw refusal
        } catch (_: UserNotAuthenticatedException) {
            throw VaultRefusal.Locked()
        } catch (_: KeyPermanentlyInvalidatedException) {
            throw VaultRefusal.Gone()
        } catch (_: AEADBadTagException) {
            throw VaultRefusal.Forged()
        } catch (_: java.security.GeneralSecurityException) {
            throw VaultRefusal.Refused()
        }

    private companion object {
        const val CIPHER = "AES/GCM/NoPadding"
        const val PREFIX = "sotay."
        const val NONCE = 12
    }
}
