import CryptoKit
import Foundation
import PhoneModels
import Security

/// Wraps the phone's keys under AES keys that rest in the Keychain, one for every label, on this device only.
final class KeychainVault: KeyVault {
    func level() -> VaultLevel { .trustedEnvironment }

    func wrap(label: String, secret: Data) throws -> Data {
        let key = try stored(label) ?? made(label)
        guard let sealed = try? AES.GCM.seal(secret, using: key, authenticating: Data(label.utf8)), let bytes = sealed.combined else {
            throw VaultRefusal.Refused
        }
        return bytes
    }

    func unwrap(label: String, wrapped: Data) throws -> Data {
        guard let key = try stored(label) else { throw VaultRefusal.Gone }
        guard let box = try? AES.GCM.SealedBox(combined: wrapped),
            let secret = try? AES.GCM.open(box, using: key, authenticating: Data(label.utf8))
        else { throw VaultRefusal.Forged }
        return secret
    }

    func destroy(label: String) throws {
        let status = SecItemDelete(query(label) as CFDictionary)
        guard status == errSecSuccess || status == errSecItemNotFound else { throw VaultRefusal.Refused }
    }

    private func query(_ label: String) -> [CFString: Any] {
        [kSecClass: kSecClassGenericPassword, kSecAttrService: "vn.sotay", kSecAttrAccount: label]
    }

    private func stored(_ label: String) throws -> SymmetricKey? {
        var found: CFTypeRef?
        switch SecItemCopyMatching(query(label).merging([kSecReturnData: true]) { $1 } as CFDictionary, &found) {
        case errSecSuccess:
            guard let bytes = found as? Data else { throw VaultRefusal.Refused }
            return SymmetricKey(data: bytes)
        case errSecItemNotFound: return nil
        case errSecInteractionNotAllowed: throw VaultRefusal.Locked
        default: throw VaultRefusal.Refused
        }
    }

    private func made(_ label: String) throws -> SymmetricKey {
        let key = SymmetricKey(size: .bits256)
        let bytes = key.withUnsafeBytes { Data($0) }
        let item = query(label).merging([
            kSecValueData: bytes, kSecAttrAccessible: kSecAttrAccessibleAfterFirstUnlockThisDeviceOnly,
        ]) { $1 }
        guard SecItemAdd(item as CFDictionary, nil) == errSecSuccess else { throw VaultRefusal.Refused }
        return key
    }
}
