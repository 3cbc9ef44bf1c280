// A call by Pion over the HTTP API: offers at once, opens `oai-events`, sends each line of its
// standard input as a text message and prints each that comes as a line, "open" and "close" beside
// them.
package main

import (
	"bufio"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"strings"

	"github.com/pion/webrtc"
)

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func post(url, offer string) string {
	response, err := http.Post(url, "application/sdp", strings.NewReader(offer))
	must(err)
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	must(err)
	if response.StatusCode != 201 {
		log.Fatalf("%s: %s", response.Status, answer)
	}
	return string(answer)
}

func main() {
	connection, err := webrtc.NewPeerConnection(webrtc.Configuration{})
	must(err)
	codec := webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeOpus, ClockRate: 48000, Channels: 2}
	track, err := webrtc.NewTrackLocalStaticSample(codec, "voice", "pion")
	must(err)
	_, err = connection.AddTrack(track)
	must(err)
	ordered := os.Args[2] == "ordered"
	channel, err := connection.CreateDataChannel(
		"oai-events", &webrtc.DataChannelInit{Ordered: &ordered})
	must(err)
	lines := make(chan string, 64)
	channel.OnOpen(func() { lines <- "open" })
	channel.OnClose(func() { lines <- "close" })
	channel.OnMessage(func(message webrtc.DataChannelMessage) { lines <- string(message.Data) })
	go func() {
		for line := range lines {
			fmt.Println(line)
		}
	}()

	offer, err := connection.CreateOffer(nil)
	must(err)
	must(connection.SetLocalDescription(offer))
	answer := webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: post(os.Args[1], offer.SDP)}
	must(connection.SetRemoteDescription(answer))

	input := bufio.NewReaderSize(os.Stdin, 1<<20)
	for {
		line, err := input.ReadString('\n')
		if err != nil {
			break
		}
		must(channel.SendText(strings.TrimSuffix(line, "\n")))
	}
	must(connection.Close())
}
