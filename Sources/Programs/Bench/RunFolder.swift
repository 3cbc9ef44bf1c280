import Deployment
import Glibc
import Settings
import Token

/// A private folder for the files of one run; removed with everything in it.
struct RunFolder: ~Copyable {
  let path: String
  private let keyFile: String

  /// Why the folder or a file in it could not be made.
  struct Failure: Error, CustomStringConvertible {
    let description: String
  }

  /// Makes the folder in TMPDIR.
  init() throws(Failure) {
    let parent = unsafe getenv("TMPDIR").map { unsafe String(cString: $0) } ?? "/tmp"
    var name = Array("\(parent)/martlet-XXXXXX".utf8CString)
    guard unsafe mkdtemp(&name) != nil else {
      throw Failure(description: "cannot make a folder in \(parent): \(systemErrorText(errno))")
    }
    path = String(decoding: name.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    keyFile = path + "/keys.json"
  }

  deinit {
    if let folder = unsafe opendir(path) {
      while let entry = unsafe readdir(folder) {
        let name = unsafe withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
          unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
        }
        if name != "." && name != ".." { unsafe unlink(path + "/" + name) }
      }
      unsafe closedir(folder)
    }
    unsafe rmdir(path)
  }

  /// Writes the keys where only this user can read them, and returns the path.
  func writeKeys(_ keys: RoutingKeys) throws(Failure) -> String {
    do {
      try SecretFile.create(keyFile, text: KeyFile.text(keys))
    } catch {
      throw Failure(description: error.description)
    }
    return keyFile
  }
}
