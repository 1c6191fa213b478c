package app

import (
	"log/slog"
	"testing"
)

func TestTheAddressOfRedisIsChecked(t *testing.T) {
	dir := t.TempDir()
	file := filesIn(t, dir)
	const secret = "planted-redis-password" + apiKey // assertError looks for the key
	for _, c := range []struct {
		name     string
		storage  Storage
		variable string
		want     string // in the error; "" is no error
		none     bool
	}{
		{"none", Storage{}, "", "", true},
		{"an address", Storage{RedisURL: "redis://redis:6379/2"}, "", "", false},
		{"TLS", Storage{RedisURL: "rediss://redis:6379"}, "", "", false},
		{"a socket", Storage{RedisURL: "unix:///run/redis.sock?db=2"}, "", "", false},
		{"a password in the variable", Storage{RedisURL: "redis://:" + secret + "@redis:6379"}, "redis://:" + secret + "@redis:6379", "", false},
		{"a password in the flag", Storage{RedisURL: "redis://:" + secret + "@redis:6379"}, "", "--storage.redis-url: must hold no password", false},
		{"a user alone", Storage{RedisURL: "redis://exporter@redis:6379", RedisPasswordFile: file("password", secret)}, "", "", false},
		{"a password file that is empty", Storage{RedisURL: "redis://redis:6379", RedisPasswordFile: file("empty", " ")}, "", "is empty", false},
		{"a password file that is not there", Storage{RedisURL: "redis://redis:6379", RedisPasswordFile: dir + "/missing"}, "", "--storage.redis-password-file: ", false},
		{"a password file without an address", Storage{RedisPasswordFile: file("alone", secret)}, "", "need --storage.redis-url", false},
		{"another scheme", Storage{RedisURL: "http://redis:6379"}, "", "--storage.redis-url: must be an address such as redis://", false},
		{"no address", Storage{RedisURL: secret}, "", "--storage.redis-url: must be an address such as redis://", false},
		{"a CA file without TLS", Storage{RedisURL: "redis://redis:6379", RedisCAFile: file("ca", "x")}, "", "must begin with rediss://", false},
		{"a CA file that holds none", Storage{RedisURL: "rediss://redis:6379", RedisCAFile: file("noca", "x")}, "", "holds no certificate", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			redis, err := c.storage.redis(func(name string) string {
				if name == redisVariable {
					return c.variable
				}
				return ""
			}, slog.New(slog.DiscardHandler))
			assertError(t, err, c.want)
			if none := redis == nil; err == nil && none != c.none {
				t.Errorf("there is a Redis: %v", !none)
			}
			if redis != nil {
				if err := redis.Close(); err != nil {
					t.Error(err)
				}
			}
		})
	}
}
