# Written by go -C test run ./cmd/reference; do not edit.

_whereby_exporter() {
    local word=${COMP_WORDS[COMP_CWORD]} flag= command= flags= i
    # Bash splits --flag=value at the equals sign.
    if [[ $word == = ]]; then
        flag=${COMP_WORDS[COMP_CWORD-1]} word=
    elif [[ ${COMP_WORDS[COMP_CWORD-1]} == = ]]; then
        flag=${COMP_WORDS[COMP_CWORD-2]}
    elif [[ $word != -* ]]; then
        flag=${COMP_WORDS[COMP_CWORD-1]}
    fi
    case $flag in
    --log.level) COMPREPLY=($(compgen -W 'debug info warn error' -- "$word")); return ;;
    --log.format) COMPREPLY=($(compgen -W 'logfmt json' -- "$word")); return ;;
    --storage.path|--sidecar.rules-dir|--sidecar.dashboards-dir|--output-dir) compopt -o filenames 2>/dev/null; COMPREPLY=($(compgen -d -- "$word")); return ;;
    --config.file|--whereby.api-key-file|--storage.restore-from|--webhook.secret-file|--webhook.config.file|--web.config.file|--sidecar.http.config.file|--history.file|--output|--http.config.file) compopt -o filenames 2>/dev/null; COMPREPLY=($(compgen -f -- "$word")); return ;;
    --whereby.url|--whereby.read-cost|--whereby.rate-limit-share|--poll.interval|--poll.full-scan-interval|--webhook.listen-address|--webhook.path|--webhook.max-age|--web.listen-address|--web.telemetry-path|--sidecar.reload-url|--history.label|--plan|--rooms|--active|--recordings|--start|--end|--interval|--label|--url) return ;;
    esac
    for ((i = 1; i < COMP_CWORD; i++)); do
        case ${COMP_WORDS[i]} in
        run|demo|check|backfill|alerts|dashboards|backup|healthcheck) command=${COMP_WORDS[i]}; break ;;
        esac
    done
    case $command in
    run|'') flags='--config.file --whereby.url --whereby.api-key-file --whereby.read-cost --whereby.rate-limit-share --poll.interval --poll.full-scan-interval --storage.path --storage.restore-from --webhook.listen-address --webhook.path --webhook.secret-file --webhook.max-age --webhook.config.file --web.listen-address --web.systemd-socket --web.config.file --web.enable-lifecycle --web.enable-admin-api --web.telemetry-path --sidecar.rules-dir --sidecar.reload-url --sidecar.http.config.file --sidecar.dashboards-dir --help --log.level --log.format --version' ;;
    demo) flags='--web.listen-address --web.systemd-socket --web.config.file --web.enable-lifecycle --web.enable-admin-api --web.telemetry-path --sidecar.rules-dir --sidecar.reload-url --sidecar.http.config.file --sidecar.dashboards-dir --history.file --history.label --help --log.level --log.format --version' ;;
    check) flags='--online --plan --rooms --active --recordings --config.file --whereby.url --whereby.api-key-file --whereby.read-cost --whereby.rate-limit-share --poll.interval --poll.full-scan-interval --storage.path --storage.restore-from --webhook.listen-address --webhook.path --webhook.secret-file --webhook.max-age --webhook.config.file --web.listen-address --web.systemd-socket --web.config.file --web.enable-lifecycle --web.enable-admin-api --web.telemetry-path --sidecar.rules-dir --sidecar.reload-url --sidecar.http.config.file --sidecar.dashboards-dir --help --log.level --log.format --version' ;;
    backfill) flags='--output --start --end --interval --label --concurrency --storage.path --config.file --whereby.url --whereby.api-key-file --whereby.read-cost --whereby.rate-limit-share --help --log.level --log.format --version' ;;
    alerts) flags='--config.file --output-dir --help --log.level --log.format --version' ;;
    dashboards) flags='--output-dir --help --log.level --log.format --version' ;;
    backup) flags='--output --url --http.config.file --help --log.level --log.format --version' ;;
    healthcheck) flags='--url --ready --web.listen-address --help --log.level --log.format --version' ;;
    esac
    if [[ $word == -* ]]; then
        COMPREPLY=($(compgen -W "$flags" -- "$word"))
    elif [[ -z $command ]]; then
        COMPREPLY=($(compgen -W 'run demo check backfill alerts dashboards backup healthcheck' -- "$word"))
    fi
}

complete -F _whereby_exporter whereby_exporter
