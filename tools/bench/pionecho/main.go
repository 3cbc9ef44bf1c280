// The baseline of `martlet bench transceiver`: an echo server as one writes it with Pion.
//
//	pionecho ADDRESS    (of its HTTP side: 127.0.0.1:8080)
//
// POST /v1/realtime/calls takes an SDP offer and answers 201 with its own. Each call's voice is
// decoded to PCM by libopus and encoded again, with the settings that Martlet's calls have, and
// goes back at once: without a jitter buffer and without a clock, which Martlet's calls have. Says
// "ready" on descriptor 3.
package main

/*
#cgo pkg-config: opus
#include <opus.h>

static int prepare(OpusEncoder *encoder) {
    return opus_encoder_ctl(encoder, OPUS_SET_BITRATE(32000)) |
           opus_encoder_ctl(encoder, OPUS_SET_COMPLEXITY(5)) |
           opus_encoder_ctl(encoder, OPUS_SET_INBAND_FEC(1)) |
           opus_encoder_ctl(encoder, OPUS_SET_PACKET_LOSS_PERC(0));
}
*/
import "C"

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"time"
	"unsafe"

	"github.com/pion/interceptor"
	"github.com/pion/webrtc"
	"github.com/pion/webrtc/pkg/media"
)

const (
	rate       = 48000
	frame      = rate / 50
	longest    = rate * 120 / 1000
	offerBytes = 1 << 16
)

// One call's libopus states and buffers, made once.
type codec struct {
	decoder *C.OpusDecoder
	encoder *C.OpusEncoder
	sound   [longest]C.opus_int16
	packet  [1275]byte
}

func newCodec() (*codec, error) {
	var status C.int
	c := &codec{decoder: C.opus_decoder_create(rate, 1, &status)}
	if c.decoder == nil {
		return nil, errors.New("no Opus decoder")
	}
	c.encoder = C.opus_encoder_create(rate, 1, C.OPUS_APPLICATION_AUDIO, &status)
	if c.encoder == nil || C.prepare(c.encoder) != 0 {
		c.close()
		return nil, errors.New("no Opus encoder")
	}
	return c, nil
}

func (c *codec) close() {
	C.opus_decoder_destroy(c.decoder)
	if c.encoder != nil {
		C.opus_encoder_destroy(c.encoder)
	}
}

// Decodes a packet of 20 ms and encodes it again; the result is valid until the next call.
func (c *codec) again(payload []byte) []byte {
	if len(payload) == 0 {
		return nil
	}
	bytes := (*C.uchar)(unsafe.Pointer(&payload[0]))
	if C.opus_decode(c.decoder, bytes, C.int(len(payload)), &c.sound[0], longest, 0) != frame {
		return nil
	}
	out := (*C.uchar)(unsafe.Pointer(&c.packet[0]))
	count := C.opus_encode(c.encoder, &c.sound[0], frame, out, C.int(len(c.packet)))
	if count <= 0 {
		return nil
	}
	return c.packet[:count]
}

func echo(voice *webrtc.TrackRemote, back *webrtc.TrackLocalStaticSample) {
	c, err := newCodec()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return
	}
	defer c.close()
	for {
		packet, _, err := voice.ReadRTP()
		if err != nil {
			return
		}
		if data := c.again(packet.Payload); data != nil {
			sample := media.Sample{Data: data, Duration: 20 * time.Millisecond}
			if back.WriteSample(sample) != nil {
				return
			}
		}
	}
}

// Reads the other side's reports, as Pion asks its users to.
func readReports(sender *webrtc.RTPSender) {
	buffer := make([]byte, 1500)
	for {
		if _, _, err := sender.Read(buffer); err != nil {
			return
		}
	}
}

func answer(api *webrtc.API, offer string) (string, error) {
	call, err := api.NewPeerConnection(webrtc.Configuration{})
	if err != nil {
		return "", err
	}
	capability := webrtc.RTPCodecCapability{
		MimeType: webrtc.MimeTypeOpus, ClockRate: rate, Channels: 2}
	back, err := webrtc.NewTrackLocalStaticSample(capability, "audio", "echo")
	if err != nil {
		return "", err
	}
	sender, err := call.AddTrack(back)
	if err != nil {
		return "", err
	}
	go readReports(sender)
	call.OnTrack(func(voice *webrtc.TrackRemote, _ *webrtc.RTPReceiver) { echo(voice, back) })
	call.OnConnectionStateChange(func(state webrtc.PeerConnectionState) {
		if state >= webrtc.PeerConnectionStateDisconnected {
			call.Close()
		}
	})
	description := webrtc.SessionDescription{Type: webrtc.SDPTypeOffer, SDP: offer}
	if err = call.SetRemoteDescription(description); err != nil {
		return "", err
	}
	reply, err := call.CreateAnswer(nil)
	if err != nil {
		return "", err
	}
	gathered := webrtc.GatheringCompletePromise(call)
	if err = call.SetLocalDescription(reply); err != nil {
		return "", err
	}
	<-gathered
	return call.LocalDescription().SDP, nil
}

// As webrtc.NewPeerConnection has it, with the loopback interface and no other.
func makeAPI() (*webrtc.API, error) {
	codecs, registry := &webrtc.MediaEngine{}, &interceptor.Registry{}
	if err := codecs.RegisterDefaultCodecs(); err != nil {
		return nil, err
	}
	if err := webrtc.RegisterDefaultInterceptors(codecs, registry); err != nil {
		return nil, err
	}
	var settings webrtc.SettingEngine
	settings.SetIncludeLoopbackCandidate(true)
	settings.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeUDP4})
	settings.SetInterfaceFilter(func(name string) bool { return name == "lo" })
	return webrtc.NewAPI(webrtc.WithMediaEngine(codecs), webrtc.WithInterceptorRegistry(registry),
		webrtc.WithSettingEngine(settings)), nil
}

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: pionecho ADDRESS")
		os.Exit(2)
	}
	api, err := makeAPI()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	handle := func(writer http.ResponseWriter, request *http.Request) {
		offer, err := io.ReadAll(io.LimitReader(request.Body, offerBytes))
		var reply string
		if err == nil {
			reply, err = answer(api, string(offer))
		}
		if err != nil {
			http.Error(writer, err.Error(), http.StatusBadRequest)
			return
		}
		writer.Header().Set("Content-Type", "application/sdp")
		writer.Header().Set("Location", "/v1/realtime/calls/rtc_echo")
		writer.WriteHeader(http.StatusCreated)
		io.WriteString(writer, reply)
	}
	http.HandleFunc("/v1/realtime/calls", handle)
	listener, err := net.Listen("tcp", os.Args[1])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Fprintln(os.NewFile(3, "ready"), "ready")
	fmt.Fprintln(os.Stderr, http.Serve(listener, nil))
	os.Exit(1)
}
