// A call by Pion over the HTTP API, for as long as its standard input is open: says the Opus packets
// of a file (two bytes of length before each) again and again, 50 a second; prints the call's path,
// then each second how many packets have come back.
//
// usage: pion_voice URL FILE
package main

import (
	"encoding/binary"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"github.com/pion/webrtc"
	"github.com/pion/webrtc/pkg/media"
)

const frame = 20 * time.Millisecond

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func packets(file string) [][]byte {
	bytes, err := os.ReadFile(file)
	must(err)
	var found [][]byte
	for len(bytes) > 2 {
		end := 2 + int(binary.BigEndian.Uint16(bytes))
		found = append(found, bytes[2:end])
		bytes = bytes[end:]
	}
	return found
}

func call(connection *webrtc.PeerConnection, url string) {
	offer, err := connection.CreateOffer(nil)
	must(err)
	gathered := webrtc.GatheringCompletePromise(connection)
	must(connection.SetLocalDescription(offer))
	<-gathered
	text := strings.NewReader(connection.LocalDescription().SDP)
	response, err := http.Post(url, "application/sdp", text)
	must(err)
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	must(err)
	if response.StatusCode != 201 {
		log.Fatalf("%s: %s", response.Status, answer)
	}
	fmt.Println(response.Header.Get("Location"))
	must(connection.SetRemoteDescription(
		webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: string(answer)}))
}

func main() {
	connection, err := webrtc.NewPeerConnection(webrtc.Configuration{})
	must(err)
	codec := webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeOpus, ClockRate: 48000, Channels: 2}
	track, err := webrtc.NewTrackLocalStaticSample(codec, "voice", "pion")
	must(err)
	_, err = connection.AddTrack(track)
	must(err)
	var received atomic.Int64
	connection.OnTrack(func(track *webrtc.TrackRemote, _ *webrtc.RTPReceiver) {
		for {
			if _, _, err := track.ReadRTP(); err != nil {
				return
			}
			received.Add(1)
		}
	})
	connected := make(chan struct{})
	connection.OnConnectionStateChange(func(state webrtc.PeerConnectionState) {
		if state == webrtc.PeerConnectionStateConnected {
			close(connected)
		}
	})
	voice := packets(os.Args[2])
	call(connection, os.Args[1])
	go func() {
		<-connected
		// By the clock: a ticker drops what a busy machine makes it late for.
		next := time.Now()
		for number := 0; ; number++ {
			packet := voice[number%len(voice)]
			_ = track.WriteSample(media.Sample{Data: packet, Duration: frame})
			next = next.Add(frame)
			time.Sleep(time.Until(next))
		}
	}()
	go func() {
		for range time.Tick(time.Second) {
			fmt.Println(received.Load())
		}
	}()
	_, _ = io.Copy(io.Discard, os.Stdin)
	must(connection.Close())
}
