// The baseline in Go: a relay as OpenAI has described theirs, written from the description.
//
//	gorelay [-workers N] LISTEN-PORT TRUNK-PORT DESTINATION-PORT...    (all on 127.0.0.1)
//
// Each worker has a socket of its own for clients (SO_REUSEPORT spreads them) and one for
// transceivers, and for each a goroutine that keeps its thread. Buffers are made once; nothing is
// allocated for a packet. The ufrag of a client's STUN request names its transceiver; what else
// comes from that client follows. Each packet goes on in a datagram of its own, behind eight bytes:
// the client's address, port, and two zero bytes. Says "ready" on descriptor 3.
package main

import (
	"context"
	"encoding/binary"
	"flag"
	"fmt"
	"net"
	"net/netip"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"syscall"
	"time"
)

const (
	headerBytes  = 8
	bytesMax     = 2048
	queueBytes   = 4 << 20
	sessionsMax  = 1 << 20
	idle         = 60 * time.Second
	ufragBytes   = 23
	magicCookie  = 0x2112A442
	bindingStart = 0x0001
	username     = 0x0006
	reusePort    = 15 // SO_REUSEPORT of Linux, which package syscall does not name
	forcedQueue  = 33 // SO_RCVBUFFORCE, the same
)

// A client's IPv4 address and port in one number: a cheap key for the map.
type client uint64

func keyOf(address netip.AddrPort) client {
	ip := address.Addr().Unmap().As4()
	return client(binary.BigEndian.Uint32(ip[:]))<<16 | client(address.Port())
}

type session struct {
	transceiver int
	seen        int64 // seconds
}

type worker struct {
	listener     *net.UDPConn
	trunk        *net.UDPConn
	destinations []netip.AddrPort
	sessions     map[client]session
	now          int64
	packets      int
}

// ufragOf returns the receiver's ufrag of a STUN Binding request, nil when there is none.
func ufragOf(packet []byte) []byte {
	if len(packet) < 20 || binary.BigEndian.Uint16(packet) != bindingStart ||
		binary.BigEndian.Uint32(packet[4:]) != magicCookie {
		return nil
	}
	end := 20 + int(binary.BigEndian.Uint16(packet[2:]))
	if end > len(packet) {
		return nil
	}
	for at := 20; at+4 <= end; {
		kind := binary.BigEndian.Uint16(packet[at:])
		length := int(binary.BigEndian.Uint16(packet[at+2:]))
		if at+4+length > end {
			return nil
		}
		if kind == username {
			value := packet[at+4 : at+4+length]
			for i, letter := range value {
				if letter == ':' {
					return value[:i]
				}
			}
			return nil
		}
		at += 4 + (length+3)&^3
	}
	return nil
}

// transceiverOf reads which transceiver a ufrag names: "T", two hexadecimal digits, twenty more
// characters.
func transceiverOf(ufrag []byte) (int, bool) {
	if len(ufrag) != ufragBytes || ufrag[0] != 'T' {
		return 0, false
	}
	number := 0
	for _, letter := range ufrag[1:3] {
		switch {
		case letter >= '0' && letter <= '9':
			number = number<<4 | int(letter-'0')
		case letter >= 'a' && letter <= 'f':
			number = number<<4 | int(letter-'a'+10)
		default:
			return 0, false
		}
	}
	return number, true
}

// route finds the transceiver that a client's packet goes to.
func (w *worker) route(packet []byte, from netip.AddrPort) (int, bool) {
	key := keyOf(from)
	if len(packet) == 0 {
		return 0, false
	}
	if first := packet[0]; first < 4 {
		ufrag := ufragOf(packet)
		if ufrag == nil {
			known, ok := w.sessions[key]
			return known.transceiver, ok
		}
		number, ok := transceiverOf(ufrag)
		if !ok || number >= len(w.destinations) {
			return 0, false
		}
		known, exists := w.sessions[key]
		if (exists && known.transceiver == number && known.seen == w.now) ||
			(!exists && len(w.sessions) >= sessionsMax) {
			return number, true
		}
		w.sessions[key] = session{number, w.now}
		return number, true
	} else if first < 20 || (first > 63 && first < 128) || first > 191 {
		return 0, false
	}
	known, ok := w.sessions[key]
	return known.transceiver, ok
}

// tick looks at the clock, and at a few of the sessions, once in so many packets.
func (w *worker) tick() {
	w.packets++
	if w.packets&0x3FF != 0 {
		return
	}
	w.now = time.Now().Unix()
	looked := 0
	for key, known := range w.sessions {
		if time.Duration(w.now-known.seen)*time.Second > 10*idle {
			delete(w.sessions, key)
		}
		if looked++; looked == 8 {
			return
		}
	}
}

func (w *worker) up() {
	runtime.LockOSThread()
	buffer := make([]byte, headerBytes+bytesMax)
	for {
		count, from, err := w.listener.ReadFromUDPAddrPort(buffer[headerBytes:])
		if err != nil {
			continue
		}
		w.tick()
		number, ok := w.route(buffer[headerBytes:headerBytes+count], from)
		if !ok {
			continue
		}
		ip := from.Addr().Unmap().As4()
		copy(buffer, ip[:])
		binary.BigEndian.PutUint16(buffer[4:], from.Port())
		w.trunk.WriteToUDPAddrPort(buffer[:headerBytes+count], w.destinations[number])
	}
}

func (w *worker) down() {
	runtime.LockOSThread()
	buffer := make([]byte, headerBytes+bytesMax)
	for {
		count, _, err := w.trunk.ReadFromUDPAddrPort(buffer)
		if err != nil || count <= headerBytes {
			continue
		}
		ip := netip.AddrFrom4([4]byte{buffer[0], buffer[1], buffer[2], buffer[3]})
		to := netip.AddrPortFrom(ip, binary.BigEndian.Uint16(buffer[4:]))
		w.listener.WriteToUDPAddrPort(buffer[headerBytes:count], to)
	}
}

// listen opens a socket that shares its port.
func listen(port int) *net.UDPConn {
	configuration := net.ListenConfig{Control: func(_, _ string, raw syscall.RawConn) error {
		var failure error
		err := raw.Control(func(fd uintptr) {
			failure = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, reusePort, 1)
			if syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, forcedQueue, queueBytes) != nil {
				syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUF, queueBytes)
			}
		})
		if err != nil {
			return err
		}
		return failure
	}}
	address := fmt.Sprintf("127.0.0.1:%d", port)
	socket, err := configuration.ListenPacket(context.Background(), "udp4", address)
	if err != nil {
		fail(err)
	}
	return socket.(*net.UDPConn)
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, "gorelay:", err)
	os.Exit(1)
}

func main() {
	workers := flag.Int("workers", 1, "sockets, each with a thread")
	flag.Parse()
	var ports []int
	for _, word := range flag.Args() {
		port, err := strconv.Atoi(word)
		if err != nil {
			fail(err)
		}
		ports = append(ports, port)
	}
	if len(ports) < 3 {
		fail(fmt.Errorf("usage: gorelay [-workers N] LISTEN-PORT TRUNK-PORT DESTINATION-PORT"))
	}
	// The heap is the sessions alone: collecting it rarely costs nothing but memory.
	debug.SetGCPercent(400)
	home := netip.AddrFrom4([4]byte{127, 0, 0, 1})
	var destinations []netip.AddrPort
	for _, port := range ports[2:] {
		destinations = append(destinations, netip.AddrPortFrom(home, uint16(port)))
	}
	for number := 0; number < *workers; number++ {
		w := &worker{
			listener: listen(ports[0]), trunk: listen(ports[1] + number),
			destinations: destinations, sessions: make(map[client]session, 1024),
			now: time.Now().Unix(),
		}
		go w.up()
		go w.down()
	}
	os.NewFile(3, "ready").WriteString("ready\n")
	select {}
}
