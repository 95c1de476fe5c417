// Refuses long bodies, and writes the length of the others into the header. To show how a milter in Go is tested.
package main

import (
	"fmt"
	"log"
	"net"
	"os"
	"strings"

	"github.com/emersion/go-milter"
)

const longest = 2000

type session struct {
	milter.NoOpMilter
	length   int
	measured int
}

func (s *session) MailFrom(from string, m *milter.Modifier) (milter.Response, error) {
	s.length, s.measured = 0, 0
	return milter.RespContinue, nil
}

func (s *session) Header(name string, value string, m *milter.Modifier) (milter.Response, error) {
	if strings.EqualFold(name, "X-Length") {
		s.measured++
	}
	return milter.RespContinue, nil
}

func (s *session) BodyChunk(chunk []byte, m *milter.Modifier) (milter.Response, error) {
	s.length += len(chunk)
	if s.length > longest {
		return milter.NewResponseStr('y', fmt.Sprintf("552 5.3.4 more than %d bytes", longest)), nil
	}
	return milter.RespContinue, nil
}

func (s *session) Body(m *milter.Modifier) (milter.Response, error) {
	// What others say of the length is taken out, from the last field to the first: Postfix numbers those that are left anew.
	for index := s.measured; index > 0; index-- {
		if err := m.ChangeHeader(index, "X-Length", ""); err != nil {
			return nil, err
		}
	}
	if err := m.AddHeader("X-Length", fmt.Sprint(s.length)); err != nil {
		return nil, err
	}
	return milter.RespContinue, nil
}

func main() {
	network, address, _ := strings.Cut(os.Args[1], ":")
	if network == "inet" {
		port, host, _ := strings.Cut(address, "@")
		network, address = "tcp", net.JoinHostPort(host, port)
	} else {
		os.Remove(address)
	}
	listener, err := net.Listen(network, address)
	if err != nil {
		log.Fatal(err)
	}
	server := milter.Server{
		NewMilter: func() milter.Milter { return &session{} },
		Actions:   milter.OptAddHeader | milter.OptChangeHeader,
		Protocol:  milter.OptNoConnect | milter.OptNoHelo | milter.OptNoRcptTo,
	}
	log.Fatal(server.Serve(listener))
}
