package app

import (
	"errors"
	"fmt"
	"log/slog"
	"net/url"

	"whereby_exporter/collector/shared"
)

// redisVariable is the environment variable of --storage.redis-url.
const redisVariable = "WHEREBY_EXPORTER_STORAGE_REDIS_URL"

// redis is what replicas share; nil where there is no address. It connects to nothing.
// No error repeats the address, as it may hold a password.
func (s Storage) redis(getenv func(string) string, log *slog.Logger) (*shared.Redis, error) {
	if s.RedisURL == "" {
		if s.RedisPasswordFile != "" || s.RedisCAFile != "" {
			return nil, errors.New("--storage.redis-password-file and --storage.redis-ca-file need --storage.redis-url")
		}
		return nil, nil
	}
	options := shared.Options{URL: s.RedisURL, CAFile: s.RedisCAFile}
	if parsed, err := url.Parse(s.RedisURL); err == nil && parsed.User != nil {
		if _, secret := parsed.User.Password(); secret && getenv(redisVariable) != s.RedisURL {
			return nil, errors.New("--storage.redis-url: must hold no password, as flags show in process lists; " +
				"put it into --storage.redis-password-file, or the whole address into " + redisVariable)
		}
	}
	if s.RedisPasswordFile != "" {
		options.Password = s.redisPassword
		if _, err := options.Password(); err != nil {
			return nil, err
		}
	}
	redis, err := shared.Open(options, log)
	if err != nil {
		return nil, fmt.Errorf("--storage.redis-url: %w", err)
	}
	return redis, nil
}

func (s Storage) redisPassword() (string, error) {
	password, err := readSecret(s.RedisPasswordFile, "a password")
	if err != nil {
		return "", fmt.Errorf("--storage.redis-password-file: %w", err)
	}
	return password, nil
}
