package programs

import (
	"net"
	"testing"
)

// FreeAddress returns a loopback address with a port that is free now. Programs that
// are restarted need the same one each time.
func FreeAddress(t testing.TB) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	return listener.Addr().String()
}
