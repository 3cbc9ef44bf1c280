// Pion's SCTP and data channels over plain UDP on loopback, without DTLS: a peer for ours.
//
//	pion_sctp [-server] [-echo] [-count N -size BYTES] [-unordered] [-retransmissions N]
//
// The first line out is its UDP port, the first line in is the peer's. Without -echo it opens a
// channel, sends count messages, each as long as it says or shorter, wants each of them back, says
// "good", and closes.
// With -echo it sends back whatever comes on whichever channel.
package main

import (
	"bufio"
	"bytes"
	"flag"
	"fmt"
	"net"
	"os"

	"github.com/pion/datachannel"
	"github.com/pion/logging"
	"github.com/pion/sctp"
)

var (
	server          = flag.Bool("server", false, "waits for INIT")
	echo            = flag.Bool("echo", false, "sends everything back")
	count           = flag.Int("count", 10, "messages")
	size            = flag.Int("size", 1000, "bytes of the longest message")
	unordered       = flag.Bool("unordered", false, "order does not matter")
	retransmissions = flag.Int("retransmissions", -1, "tries after the first; -1 for no limit")
)

func main() {
	flag.Parse()
	logger := logging.NewDefaultLoggerFactory()
	config := sctp.Config{
		NetConn: connect(), MaxMessageSize: 262144, LoggerFactory: logger,
	}
	associate := sctp.Client
	if *server {
		associate = sctp.Server
	}
	association, err := associate(config)
	check(err, "association")
	fmt.Println("up")
	if *echo {
		acceptAll(association, logger)
	} else {
		sendAll(association, logger)
	}
}

func connect() net.Conn {
	own, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	check(err, "socket")
	address := own.LocalAddr().(*net.UDPAddr)
	fmt.Println("port", address.Port)
	peer := net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)}
	_, err = fmt.Fscanln(bufio.NewReader(os.Stdin), &peer.Port)
	check(err, "the peer's port")
	return &conn{own, &peer}
}

// What a connected socket would be, on the port that was told already.
type conn struct {
	*net.UDPConn
	peer *net.UDPAddr
}

func (c *conn) Write(bytes []byte) (int, error) { return c.WriteToUDP(bytes, c.peer) }
func (c *conn) RemoteAddr() net.Addr            { return c.peer }

func acceptAll(association *sctp.Association, logger logging.LoggerFactory) {
	for {
		channel, err := datachannel.Accept(
			association, &datachannel.Config{LoggerFactory: logger})
		check(err, "accept")
		fmt.Println("opened", channel.StreamIdentifier(), channel.Config.Label,
			channel.Config.Protocol, channel.Config.ChannelType)
		go sendBack(channel)
	}
}

func sendBack(channel *datachannel.DataChannel) {
	buffer := make([]byte, 300000)
	for {
		length, isText, err := channel.ReadDataChannel(buffer)
		if err != nil {
			fmt.Println("closed", channel.StreamIdentifier())
			check(channel.Close(), "close")
			return
		}
		_, err = channel.WriteDataChannel(buffer[:length], isText)
		check(err, "write")
	}
}

func sendAll(association *sctp.Association, logger logging.LoggerFactory) {
	config := &datachannel.Config{Label: "from pion", Protocol: "p", LoggerFactory: logger}
	if *retransmissions >= 0 {
		config.ChannelType = datachannel.ChannelTypePartialReliableRexmit
		config.ReliabilityParameter = uint32(*retransmissions)
	}
	if *unordered {
		config.ChannelType |= 0x80
	}
	channel, err := datachannel.Dial(association, 0, config)
	check(err, "dial")
	missing := make(map[int]bool)
	for index := 0; index < *count; index++ {
		missing[index] = true
	}
	go func() {
		for index := 0; index < *count; index++ {
			_, err := channel.WriteDataChannel(message(index), false)
			check(err, "write")
		}
	}()
	buffer := make([]byte, 300000)
	for expected := 0; len(missing) > 0; expected++ {
		length, _, err := channel.ReadDataChannel(buffer)
		check(err, "read")
		index := int(buffer[0]) | int(buffer[1])<<8
		if !bytes.Equal(buffer[:length], message(index)) {
			fail("message", index, "is not what was sent")
		}
		if !missing[index] || (!*unordered && index != expected) {
			fail("message", index, "came again or out of order")
		}
		delete(missing, index)
	}
	fmt.Println("good")
	check(channel.Close(), "close")
	// The end of the stream is the peer's answer; the process is ended from outside.
	_, err = channel.Read(buffer)
	fmt.Println("closed", err)
	select {}
}

// Message number index: its number, then bytes that depend on it.
func message(index int) []byte {
	length := 2 + index*977%(*size)
	if index == 0 {
		length = *size
	}
	bytes := make([]byte, length)
	for place := range bytes {
		bytes[place] = byte(place*7 + index)
	}
	bytes[0], bytes[1] = byte(index), byte(index>>8)
	return bytes
}

func check(err error, what string) {
	if err != nil {
		fail(what, err)
	}
}

func fail(what ...interface{}) {
	fmt.Println(append([]interface{}{"failed:"}, what...)...)
	os.Exit(1)
}
