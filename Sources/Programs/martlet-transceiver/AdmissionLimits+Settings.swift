import Deployment
import Settings
import Signalling

extension OverloadSettings {
  /// The limits that the settings name.
  static func limits(_ settings: ParsedSettings) -> AdmissionLimits {
    var limits = AdmissionLimits()
    limits.refuses = settings[overload] == "refuse"
    limits.latePercent = settings[late]
    limits.busyPercent = settings[busy]
    return limits
  }
}
