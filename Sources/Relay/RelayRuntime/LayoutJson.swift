import Json
import Machine
import Wire

extension RelayLayout {
  /// The layout as one JSON object in one line, for machines.
  package func json(_ state: SteeringState) -> String {
    var object = JsonObject()
    object.add("steering", steeringJson(state))
    object.add("workers", (0..<options.workers).map(workerJson))
    object.add("listeners", options.listeners.indices.map(listenerJson))
    object.add("interfaces", interfaces.map(interfaceJson))
    object.add("cpus", (processors?.online ?? []).map(cpuJson))
    object.add("maps", mapJson)
    object.add("memory", memoryParts.map(Self.memoryJson))
    object.add("notes", notes(state))
    return object.text + "\n"
  }

  private func steeringJson(_ state: SteeringState) -> JsonObject {
    var object = JsonObject()
    object.add("wanted", options.steering.rawValue)
    object.add("by", state.mechanism(options.steering))
    object.add("refused", state.refusal)
    object.add("fallback", SteeringState.fallback(options.steering))
    object.add("busy_poll_us", options.busyPollMicroseconds)
    object.add("bundle_wait_us", options.bundleWaitMicroseconds)
    object.add("transmit", options.transmit.rawValue)
    return object
  }

  private func workerJson(_ worker: Int) -> JsonObject {
    let processor = placement.processorOfWorker[worker]
    var object = JsonObject()
    object.add("worker", worker)
    object.add("cpu", processor?.cpu)
    object.add("node", processor?.node)
    object.add("receives", queues(of: worker))
    object.add("sends", transmitQueues(of: worker))
    object.add("serves_cpus", cpus(servedBy: worker))
    object.add("trunk", trunk(of: worker).description)
    object.add("routes_max", options.routesMax)
    object.add("route_table_bytes", routeTableBytes)
    return object
  }

  private func listenerJson(_ number: Int) -> JsonObject {
    var object = JsonObject()
    object.add("listener", number)
    object.add("address", options.listeners[number].description)
    object.add("interface", entries[number].interface)
    object.add("comes_in_by", entries[number].receiving.map(\.name))
    object.add(
      "sockets",
      (0..<options.workers).map { worker in
        var socket = JsonObject()
        socket.add("slot", worker)
        socket.add("worker", worker)
        return socket
      })
    return object
  }

  private func interfaceJson(_ interface: NetworkInterface) -> JsonObject {
    var object = JsonObject()
    object.add("name", interface.name)
    object.add("node", interface.node)
    object.add("threaded", interface.isThreaded)
    object.add(
      "queues",
      queueWays.filter { $0.interface == interface.name }.map { way in
        var queue = JsonObject()
        queue.add("queue", way.queue.number)
        queue.add("irq", way.queue.interrupt)
        queue.add("cpus", way.queue.cpus)
        queue.add("because_of", way.queue.reason.rawValue)
        queue.add("workers", way.workers)
        return queue
      })
    return object
  }

  private func cpuJson(_ processor: Processor) -> JsonObject {
    var object = JsonObject()
    object.add("cpu", processor.cpu)
    object.add("node", processor.node)
    object.add("allowed", processors?.allowed.contains(processor) ?? true)
    object.add("worker", placement.worker(of: processor.cpu))
    return object
  }

  private var mapJson: JsonObject {
    var object = JsonObject()
    guard options.steering != .kernel else { return object }
    object.add("slots", options.workers)
    object.add("homes", options.steering == .cpu ? homeCount : 0)
    object.add("bytes_per_listener", mapBytes)
    return object
  }

  private static func memoryJson(_ part: MemoryPart) -> JsonObject {
    var object = JsonObject()
    object.add("what", part.name)
    object.add("bytes", part.bytes)
    object.add("count", part.count)
    return object
  }
}
