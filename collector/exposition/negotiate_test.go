package exposition

import (
	"strings"
	"testing"
)

func TestNegotiate(t *testing.T) {
	for header, want := range map[string]coding{
		"":                                    identity,
		"gzip":                                gzipped,
		"GZip":                                gzipped,
		"zstd":                                identity,
		"br":                                  identity,
		"*":                                   gzipped,
		"zstd, gzip":                          gzipped,
		"gzip, deflate, br, zstd":             gzipped,
		"gzip;q=0.5, zstd":                    gzipped,
		"gzip;q=0, *":                         identity,
		"*;q=0":                               identity,
		"*;q=0, gzip":                         gzipped,
		"identity":                            identity,
		"identity, gzip":                      gzipped,
		"identity, gzip;q=0.9":                identity,
		"identity;q=0.5, gzip;q=0.9":          gzipped,
		"identity;q=0.5, gzip;q=0.500":        gzipped,
		"identity;q=0":                        identity, // nothing better is known to be read
		"identity;q=0, gzip;q=0, zstd":        identity,
		"identity;q=0, *;q=0.1":               gzipped,
		"gzip;Q=1;x=y":                        gzipped,
		"gzip;x=y;q=0":                        identity,
		"gzip, gzip;q=0":                      identity,
		"gzip;q=2":                            identity,
		"gzip;q=-1":                           identity,
		"gzip;q=NaN":                          identity,
		"gzip;q=":                             identity,
		"gzip ; q = 0.5 ,\tidentity;q=\t0.25": gzipped,
		",,;;,gzip":                           gzipped,
	} {
		if got := negotiate([]string{header}); got != want {
			t.Errorf("%q: %s, want %s", header, got, want)
		}
	}
	if got := negotiate([]string{"br", "gzip"}); got != gzipped {
		t.Errorf("two headers: %s, want gzip", got)
	}
}

func FuzzNegotiate(f *testing.F) {
	for _, seed := range []string{
		"gzip", "gzip;q=0, *", "identity;q=0,*;q=0", "br;q=0.5;x,gzip;q=1e-9", "gzip;q=0x0p0", ";q=0", "gzip;q=0;q=1",
	} {
		f.Add(seed, "")
		f.Add("gzip", seed)
	}
	f.Fuzz(func(t *testing.T, first, second string) {
		got := negotiate([]string{first, second})
		if got == identity {
			return
		}
		if got != gzipped {
			t.Fatalf("%q, %q: %q is not offered", first, second, got)
		}
		named := false
		for element := range strings.SplitSeq(strings.ToLower(first+","+second), ",") {
			name, parameters, _ := strings.Cut(element, ";")
			name = strings.TrimSpace(name)
			named = named || name == string(got) || name == "*"
			if name == string(got) && refuses(parameters) {
				t.Fatalf("%q, %q: %s was refused", first, second, got)
			}
		}
		if !named {
			t.Fatalf("%q, %q: %s was not asked for", first, second, got)
		}
	})
}

// refuses reports, by the grammar of RFC 9110, whether a first parameter is q=0.
func refuses(parameters string) bool {
	first, _, _ := strings.Cut(parameters, ";")
	name, value, _ := strings.Cut(strings.TrimSpace(first), "=")
	return name == "q" && strings.HasPrefix(value, "0") && strings.Trim(value, "0.") == ""
}
