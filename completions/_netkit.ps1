
using namespace System.Management.Automation
using namespace System.Management.Automation.Language

Register-ArgumentCompleter -Native -CommandName 'netkit' -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)

    $commandElements = $commandAst.CommandElements
    $command = @(
        'netkit'
        for ($i = 1; $i -lt $commandElements.Count; $i++) {
            $element = $commandElements[$i]
            if ($element -isnot [StringConstantExpressionAst] -or
                $element.StringConstantType -ne [StringConstantType]::BareWord -or
                $element.Value.StartsWith('-') -or
                $element.Value -eq $wordToComplete) {
                break
        }
        $element.Value
    }) -join ';'

    $completions = @(switch ($command) {
        'netkit' {
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('dial', 'dial', [CompletionResultType]::ParameterValue, 'Connect to a target: which address answers, how long each stage takes, and who said no')
            [CompletionResult]::new('listen', 'listen', [CompletionResultType]::ParameterValue, 'Be the other end: an echo server, or one that behaves as badly as asked, and tell what comes')
            [CompletionResult]::new('parse-addr', 'parse-addr', [CompletionResultType]::ParameterValue, 'Say what an address is, compute with networks, find addresses in text')
            [CompletionResult]::new('resolve', 'resolve', [CompletionResultType]::ParameterValue, 'Ask name servers: what they really say, over which transport, and what went wrong on the way')
            [CompletionResult]::new('demo', 'demo', [CompletionResultType]::ParameterValue, 'Run every subcommand against servers of its own on loopback and show what comes out')
            [CompletionResult]::new('generate', 'generate', [CompletionResultType]::ParameterValue, 'Write completions, man pages, the JSON Schema or the README''s help block')
            break
        }
        'netkit;dial' {
            [CompletionResult]::new('--targets', '--targets', [CompletionResultType]::ParameterName, 'Reads targets from a file, one a line, `#` comments; `-` is standard input')
            [CompletionResult]::new('--network', '--network', [CompletionResultType]::ParameterName, 'The network, for targets that do not name one [default: tcp]')
            [CompletionResult]::new('--ns', '--ns', [CompletionResultType]::ParameterName, 'Asks this name server instead of the system''s (may be given more than once)')
            [CompletionResult]::new('--policy', '--policy', [CompletionResultType]::ParameterName, 'Rules that choose name servers and arrange answers: a TOML file, or etcd://HOST:PORT/PREFIX; followed while netkit runs')
            [CompletionResult]::new('--region', '--region', [CompletionResultType]::ParameterName, 'The region that rules of the policy may ask for')
            [CompletionResult]::new('-t', '-t', [CompletionResultType]::ParameterName, 'Bounds the whole dial: resolve, connect, exchange [default: 5s]')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'Bounds the whole dial: resolve, connect, exchange [default: 5s]')
            [CompletionResult]::new('--attempt-timeout', '--attempt-timeout', [CompletionResultType]::ParameterName, 'Bounds the connection attempt to one address')
            [CompletionResult]::new('--attempt-delay', '--attempt-delay', [CompletionResultType]::ParameterName, 'Pause before the next address is tried beside the last, at least 10ms [default: 250ms; go 300ms, curl 200ms]')
            [CompletionResult]::new('--strategy', '--strategy', [CompletionResultType]::ParameterName, 'Dials as that client would [default: rfc8305]')
            [CompletionResult]::new('--send', '--send', [CompletionResultType]::ParameterName, 'Sends text, with C escapes (`PING\r\n`)')
            [CompletionResult]::new('--send-hex', '--send-hex', [CompletionResultType]::ParameterName, 'Sends bytes in hexadecimal')
            [CompletionResult]::new('--send-file', '--send-file', [CompletionResultType]::ParameterName, 'Sends the content of a file')
            [CompletionResult]::new('--expect', '--expect', [CompletionResultType]::ParameterName, 'Succeeds only if this text, with C escapes, comes back')
            [CompletionResult]::new('--expect-regex', '--expect-regex', [CompletionResultType]::ParameterName, 'Succeeds only if what comes back matches')
            [CompletionResult]::new('--read', '--read', [CompletionResultType]::ParameterName, 'Reads until that many bytes have come; 0 does not wait for a reply')
            [CompletionResult]::new('--keepalive', '--keepalive', [CompletionResultType]::ParameterName, 'Idle time before the first keepalive probe [default: 15s]')
            [CompletionResult]::new('--keepalive-interval', '--keepalive-interval', [CompletionResultType]::ParameterName, 'Time between keepalive probes [default: 15s]')
            [CompletionResult]::new('--keepalive-count', '--keepalive-count', [CompletionResultType]::ParameterName, 'Unanswered probes until the connection is given up [default: 9]')
            [CompletionResult]::new('--user-timeout', '--user-timeout', [CompletionResultType]::ParameterName, 'How long sent data may stay unacknowledged (`TCP_USER_TIMEOUT`)')
            [CompletionResult]::new('--hold', '--hold', [CompletionResultType]::ParameterName, 'Keeps the connection open that long and counts the probes')
            [CompletionResult]::new('--local-addr', '--local-addr', [CompletionResultType]::ParameterName, 'Source address, with a port if it matters')
            [CompletionResult]::new('--interface', '--interface', [CompletionResultType]::ParameterName, 'Network interface to leave by (`SO_BINDTODEVICE`)')
            [CompletionResult]::new('--mark', '--mark', [CompletionResultType]::ParameterName, 'Firewall mark (`SO_MARK`)')
            [CompletionResult]::new('--tos', '--tos', [CompletionResultType]::ParameterName, 'Type-of-service byte')
            [CompletionResult]::new('--dscp', '--dscp', [CompletionResultType]::ParameterName, 'Differentiated services code point: a number or a name (`ef`, `af41`)')
            [CompletionResult]::new('--ttl', '--ttl', [CompletionResultType]::ParameterName, 'Time to live, or hop limit')
            [CompletionResult]::new('--mss', '--mss', [CompletionResultType]::ParameterName, 'Maximum segment size to announce (`TCP_MAXSEG`)')
            [CompletionResult]::new('--congestion', '--congestion', [CompletionResultType]::ParameterName, 'Congestion control algorithm (`TCP_CONGESTION`)')
            [CompletionResult]::new('--nodelay', '--nodelay', [CompletionResultType]::ParameterName, 'Sends small segments at once (`TCP_NODELAY`) [default: on]')
            [CompletionResult]::new('--close', '--close', [CompletionResultType]::ParameterName, 'How the connection is closed [default: fin]')
            [CompletionResult]::new('-c', '-c', [CompletionResultType]::ParameterName, 'Dials that often, on a schedule that does not wait for slow replies; 0: until Ctrl-C')
            [CompletionResult]::new('--count', '--count', [CompletionResultType]::ParameterName, 'Dials that often, on a schedule that does not wait for slow replies; 0: until Ctrl-C')
            [CompletionResult]::new('-i', '-i', [CompletionResultType]::ParameterName, 'Time from one probe to the next, at least 1ms [default: 1s]')
            [CompletionResult]::new('--interval', '--interval', [CompletionResultType]::ParameterName, 'Time from one probe to the next, at least 1ms [default: 1s]')
            [CompletionResult]::new('-P', '-P ', [CompletionResultType]::ParameterName, 'Dials under way at once [default: what the descriptor limit allows]')
            [CompletionResult]::new('--parallel', '--parallel', [CompletionResultType]::ParameterName, 'Dials under way at once [default: what the descriptor limit allows]')
            [CompletionResult]::new('--wait', '--wait', [CompletionResultType]::ParameterName, 'Retries for that long, until every target answers (pauses grow from 100ms to 5s)')
            [CompletionResult]::new('--wait-for', '--wait-for', [CompletionResultType]::ParameterName, 'What to wait for [default: open]')
            [CompletionResult]::new('--only', '--only', [CompletionResultType]::ParameterName, 'Of many targets, show only those that ended so (may be given more than once)')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colours')
            [CompletionResult]::new('--progress', '--progress', [CompletionResultType]::ParameterName, 'When to show progress on standard error')
            [CompletionResult]::new('-u', '-u', [CompletionResultType]::ParameterName, 'Short for --network udp')
            [CompletionResult]::new('--udp', '--udp', [CompletionResultType]::ParameterName, 'Short for --network udp')
            [CompletionResult]::new('-4', '-4', [CompletionResultType]::ParameterName, 'IPv4 only')
            [CompletionResult]::new('--ipv4', '--ipv4', [CompletionResultType]::ParameterName, 'IPv4 only')
            [CompletionResult]::new('-6', '-6', [CompletionResultType]::ParameterName, 'IPv6 only')
            [CompletionResult]::new('--ipv6', '--ipv6', [CompletionResultType]::ParameterName, 'IPv6 only')
            [CompletionResult]::new('--race-all', '--race-all', [CompletionResultType]::ParameterName, 'Lets the losers of the race finish, and reports them')
            [CompletionResult]::new('--banner', '--banner', [CompletionResultType]::ParameterName, 'Waits for the server to speak first')
            [CompletionResult]::new('--shutdown-write', '--shutdown-write', [CompletionResultType]::ParameterName, 'Closes the sending side after sending, and reads to the end')
            [CompletionResult]::new('--stdio', '--stdio', [CompletionResultType]::ParameterName, 'Connects standard input and output to the connection, as nc')
            [CompletionResult]::new('--no-keepalive', '--no-keepalive', [CompletionResultType]::ParameterName, 'Sends no keepalive probes')
            [CompletionResult]::new('--fastopen', '--fastopen', [CompletionResultType]::ParameterName, 'Puts data into the SYN where the server allows it (RFC 7413)')
            [CompletionResult]::new('--mptcp', '--mptcp', [CompletionResultType]::ParameterName, 'Multipath TCP, falling back to TCP (RFC 8684)')
            [CompletionResult]::new('--any', '--any', [CompletionResultType]::ParameterName, 'One of the targets is enough')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Prints JSON Lines')
            [CompletionResult]::new('--pretty', '--pretty', [CompletionResultType]::ParameterName, 'Prints indented JSON')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Prints nothing but errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Prints nothing but errors')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Prints more: all attempts, everything received; of many targets, each with its evidence')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Prints more: all attempts, everything received; of many targets, each with its evidence')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'netkit;listen' {
            [CompletionResult]::new('--network', '--network', [CompletionResultType]::ParameterName, 'The network, for addresses that do not name one [default: tcp]')
            [CompletionResult]::new('--greet', '--greet', [CompletionResultType]::ParameterName, 'Speaks first, with C escapes, and closes')
            [CompletionResult]::new('--then', '--then', [CompletionResultType]::ParameterName, 'What follows the greeting, instead of the close')
            [CompletionResult]::new('--respond', '--respond', [CompletionResultType]::ParameterName, 'Says this, with C escapes, once the peer has said something, and closes; @FILE is a file''s content')
            [CompletionResult]::new('--exec', '--exec', [CompletionResultType]::ParameterName, 'Gives each connection to a program, run by `sh -c`, as its standard input and output')
            [CompletionResult]::new('--script', '--script', [CompletionResultType]::ParameterName, 'Follows a script: a step a line, `send TEXT`, `expect TEXT`, `wait TIME`, `echo`, `reset`, `close`')
            [CompletionResult]::new('--fault', '--fault', [CompletionResultType]::ParameterName, 'Misbehaves; may be given more than once, and for a share of the connections.')
            [CompletionResult]::new('--seed', '--seed', [CompletionResultType]::ParameterName, 'Where chance starts from: the same seed strikes the same connections [default: 0]')
            [CompletionResult]::new('--max-connections', '--max-connections', [CompletionResultType]::ParameterName, 'Connections at once [default: what the descriptor limit leaves]')
            [CompletionResult]::new('--max-per-ip', '--max-per-ip', [CompletionResultType]::ParameterName, 'Connections at once from one address')
            [CompletionResult]::new('--accept-rate', '--accept-rate', [CompletionResultType]::ParameterName, 'Connections accepted a second')
            [CompletionResult]::new('--idle-timeout', '--idle-timeout', [CompletionResultType]::ParameterName, 'Closes a connection that says nothing for so long')
            [CompletionResult]::new('--max-lifetime', '--max-lifetime', [CompletionResultType]::ParameterName, 'Closes a connection that is as old as this')
            [CompletionResult]::new('--max-bytes', '--max-bytes', [CompletionResultType]::ParameterName, 'Closes a connection that has sent so many bytes, once they are answered')
            [CompletionResult]::new('--overload', '--overload', [CompletionResultType]::ParameterName, 'What happens at a limit [default: wait]')
            [CompletionResult]::new('--shed-above', '--shed-above', [CompletionResultType]::ParameterName, 'Rejects a second above which everything is reset for a second [default: 1000]')
            [CompletionResult]::new('-c', '-c', [CompletionResultType]::ParameterName, 'Serves so many connections; 0 goes on until Ctrl-C')
            [CompletionResult]::new('--count', '--count', [CompletionResultType]::ParameterName, 'Serves so many connections; 0 goes on until Ctrl-C')
            [CompletionResult]::new('--for', '--for', [CompletionResultType]::ParameterName, 'Serves that long')
            [CompletionResult]::new('--grace', '--grace', [CompletionResultType]::ParameterName, 'How long connections have to end once it stops; what is left is reset [default: 5s]')
            [CompletionResult]::new('--workers', '--workers', [CompletionResultType]::ParameterName, 'Threads that serve [default: one a processor]')
            [CompletionResult]::new('--interface', '--interface', [CompletionResultType]::ParameterName, 'Network interface to accept from (`SO_BINDTODEVICE`)')
            [CompletionResult]::new('--backlog', '--backlog', [CompletionResultType]::ParameterName, 'Connections that may wait to be accepted [default: the kernel''s maximum]')
            [CompletionResult]::new('--keepalive', '--keepalive', [CompletionResultType]::ParameterName, 'Idle time before the first keepalive probe [default: 15s]')
            [CompletionResult]::new('--keepalive-interval', '--keepalive-interval', [CompletionResultType]::ParameterName, 'Time between keepalive probes [default: 15s]')
            [CompletionResult]::new('--keepalive-count', '--keepalive-count', [CompletionResultType]::ParameterName, 'Unanswered probes until the connection is given up [default: 9]')
            [CompletionResult]::new('--user-timeout', '--user-timeout', [CompletionResultType]::ParameterName, 'How long sent data may stay unacknowledged (`TCP_USER_TIMEOUT`)')
            [CompletionResult]::new('--dump', '--dump', [CompletionResultType]::ParameterName, 'Shows the first bytes of each connection, as text or hex [default form: text]')
            [CompletionResult]::new('--stats-interval', '--stats-interval', [CompletionResultType]::ParameterName, 'Shows statistics that often')
            [CompletionResult]::new('--metrics', '--metrics', [CompletionResultType]::ParameterName, 'Answers scrapes there with OpenMetrics (`127.0.0.1:9100`, GET /metrics)')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colours')
            [CompletionResult]::new('--progress', '--progress', [CompletionResultType]::ParameterName, 'When to show progress on standard error')
            [CompletionResult]::new('-u', '-u', [CompletionResultType]::ParameterName, 'Short for --network udp')
            [CompletionResult]::new('--udp', '--udp', [CompletionResultType]::ParameterName, 'Short for --network udp')
            [CompletionResult]::new('--echo', '--echo', [CompletionResultType]::ParameterName, 'Sends back what comes (the default)')
            [CompletionResult]::new('--discard', '--discard', [CompletionResultType]::ParameterName, 'Throws away what comes (RFC 863)')
            [CompletionResult]::new('--chargen', '--chargen', [CompletionResultType]::ParameterName, 'Sends characters without end (RFC 864)')
            [CompletionResult]::new('--daytime', '--daytime', [CompletionResultType]::ParameterName, 'Sends the time of day and closes (RFC 867)')
            [CompletionResult]::new('--heartbeat', '--heartbeat', [CompletionResultType]::ParameterName, 'Answers `ACK\n` to each line')
            [CompletionResult]::new('--http', '--http', [CompletionResultType]::ParameterName, 'Answers HTTP requests with 200 and what was asked')
            [CompletionResult]::new('--stdio', '--stdio', [CompletionResultType]::ParameterName, 'Connects one connection to standard input and output, as nc -l')
            [CompletionResult]::new('--once', '--once', [CompletionResultType]::ParameterName, 'Serves one connection and ends with its outcome')
            [CompletionResult]::new('--reuse-port', '--reuse-port', [CompletionResultType]::ParameterName, 'Lets other processes listen at the same port; the kernel shares connections out')
            [CompletionResult]::new('--fastopen', '--fastopen', [CompletionResultType]::ParameterName, 'Takes data in the SYN (TCP Fast Open, RFC 7413)')
            [CompletionResult]::new('--mptcp', '--mptcp', [CompletionResultType]::ParameterName, 'Multipath TCP (RFC 8684)')
            [CompletionResult]::new('--allow-amplification', '--allow-amplification', [CompletionResultType]::ParameterName, 'Answers datagrams of other machines without limit, of any length')
            [CompletionResult]::new('--no-keepalive', '--no-keepalive', [CompletionResultType]::ParameterName, 'Sends no keepalive probes')
            [CompletionResult]::new('--syn', '--syn', [CompletionResultType]::ParameterName, 'Shows the SYN of each connection: its options, TTL and window')
            [CompletionResult]::new('--summary', '--summary', [CompletionResultType]::ParameterName, 'Shows no line per connection: statistics and the summary only')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Prints JSON Lines')
            [CompletionResult]::new('--pretty', '--pretty', [CompletionResultType]::ParameterName, 'Prints indented JSON')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Prints nothing but errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Prints nothing but errors')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Prints more: all attempts, everything received; of many targets, each with its evidence')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Prints more: all attempts, everything received; of many targets, each with its evidence')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'netkit;parse-addr' {
            [CompletionResult]::new('--input', '--input', [CompletionResultType]::ParameterName, 'Reads one input a line from a file; `-` is standard input')
            [CompletionResult]::new('--as', '--as', [CompletionResultType]::ParameterName, 'What the text is taken for; auto recognises it')
            [CompletionResult]::new('--network', '--network', [CompletionResultType]::ParameterName, 'Go''s network for --as tcp, udp, ip-addr and port: tcp, tcp4, tcp6, udp, …, ip4:icmp')
            [CompletionResult]::new('--nat64', '--nat64', [CompletionResultType]::ParameterName, 'Looks for IPv4 behind this NAT64 prefix too (RFC 6052; may be given more than once)')
            [CompletionResult]::new('--ns', '--ns', [CompletionResultType]::ParameterName, 'Asks this name server instead of the system''s (may be given more than once)')
            [CompletionResult]::new('-t', '-t', [CompletionResultType]::ParameterName, 'Bounds the lookup of one host [default: 5s]')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'Bounds the lookup of one host [default: 5s]')
            [CompletionResult]::new('--contains', '--contains', [CompletionResultType]::ParameterName, 'Whether each network holds these addresses or networks (status 1 if one does not)')
            [CompletionResult]::new('--overlaps', '--overlaps', [CompletionResultType]::ParameterName, 'Whether each network has an address in common with this one (status 1 if one has not)')
            [CompletionResult]::new('--split', '--split', [CompletionResultType]::ParameterName, 'The parts of that length, lazily')
            [CompletionResult]::new('--split-into', '--split-into', [CompletionResultType]::ParameterName, 'That many parts, as equal as can be')
            [CompletionResult]::new('--supernet', '--supernet', [CompletionResultType]::ParameterName, 'The network of that length around each')
            [CompletionResult]::new('--nth', '--nth', [CompletionResultType]::ParameterName, 'The address at that place: 0 is the first, -1 the last')
            [CompletionResult]::new('--random', '--random', [CompletionResultType]::ParameterName, 'Addresses drawn at random [default: 1]')
            [CompletionResult]::new('--seed', '--seed', [CompletionResultType]::ParameterName, 'Draws the same addresses again')
            [CompletionResult]::new('--exclude', '--exclude', [CompletionResultType]::ParameterName, 'The addresses of all inputs that are not in these networks')
            [CompletionResult]::new('--intersect', '--intersect', [CompletionResultType]::ParameterName, 'The addresses of all inputs that are in these networks')
            [CompletionResult]::new('--in', '--in', [CompletionResultType]::ParameterName, 'Prints the lines that hold an address of these networks, or of the networks in these files')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colours')
            [CompletionResult]::new('--resolve', '--resolve', [CompletionResultType]::ParameterName, 'Looks up hosts that are names')
            [CompletionResult]::new('--hosts', '--hosts', [CompletionResultType]::ParameterName, 'All addresses a host may have')
            [CompletionResult]::new('--aggregate', '--aggregate', [CompletionResultType]::ParameterName, 'The fewest networks with the addresses of all inputs')
            [CompletionResult]::new('--summarize', '--summarize', [CompletionResultType]::ParameterName, 'The fewest networks that cover each range (`first-last`)')
            [CompletionResult]::new('--sort', '--sort', [CompletionResultType]::ParameterName, 'The inputs in order: IPv4 first, then by address, then the larger network')
            [CompletionResult]::new('--unique', '--unique', [CompletionResultType]::ParameterName, 'Each input once')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Prints the other lines')
            [CompletionResult]::new('--invert', '--invert', [CompletionResultType]::ParameterName, 'Prints the other lines')
            [CompletionResult]::new('--any', '--any', [CompletionResultType]::ParameterName, 'Any address of a line may match [default]')
            [CompletionResult]::new('--first', '--first', [CompletionResultType]::ParameterName, 'Only the first address of a line counts')
            [CompletionResult]::new('--count', '--count', [CompletionResultType]::ParameterName, 'Prints how many lines there are instead')
            [CompletionResult]::new('-s', '-s', [CompletionResultType]::ParameterName, 'Prints the canonical text only')
            [CompletionResult]::new('--short', '--short', [CompletionResultType]::ParameterName, 'Prints the canonical text only')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Prints JSON Lines')
            [CompletionResult]::new('--pretty', '--pretty', [CompletionResultType]::ParameterName, 'Prints indented JSON')
            [CompletionResult]::new('--brief', '--brief', [CompletionResultType]::ParameterName, 'With --json: only what it is and whether it is valid')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Prints nothing: the status tells')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Prints nothing: the status tells')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'netkit;resolve' {
            [CompletionResult]::new('--type', '--type', [CompletionResultType]::ParameterName, 'A record type: a name, any case, or TYPE65280 (may be given more than once)')
            [CompletionResult]::new('--name', '--name', [CompletionResultType]::ParameterName, 'A name, even if it looks like a type (may be given more than once)')
            [CompletionResult]::new('-x', '-x', [CompletionResultType]::ParameterName, 'The name of an address: its PTR records (may be given more than once)')
            [CompletionResult]::new('--reverse', '--reverse', [CompletionResultType]::ParameterName, 'The name of an address: its PTR records (may be given more than once)')
            [CompletionResult]::new('--ns', '--ns', [CompletionResultType]::ParameterName, 'Asks this name server instead of the system''s, as @SERVER (may be given more than once)')
            [CompletionResult]::new('--ns-mode', '--ns-mode', [CompletionResultType]::ParameterName, 'What is done with several servers [default: first]')
            [CompletionResult]::new('-t', '-t', [CompletionResultType]::ParameterName, 'Bounds each question: all servers, names, tries and handshakes together [default: 5s]')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'Bounds each question: all servers, names, tries and handshakes together [default: 5s]')
            [CompletionResult]::new('--tries', '--tries', [CompletionResultType]::ParameterName, 'How often silent servers are asked; the timeout is divided by it [default: resolv.conf''s, or 2]')
            [CompletionResult]::new('--hosts-file', '--hosts-file', [CompletionResultType]::ParameterName, 'The hosts file [default: /etc/hosts]')
            [CompletionResult]::new('--resolv-conf', '--resolv-conf', [CompletionResultType]::ParameterName, 'The system''s configuration [default: /etc/resolv.conf]')
            [CompletionResult]::new('--policy', '--policy', [CompletionResultType]::ParameterName, 'Rules that choose name servers and arrange answers: a TOML file, or etcd://HOST:PORT/PREFIX; followed while netkit runs')
            [CompletionResult]::new('--region', '--region', [CompletionResultType]::ParameterName, 'The region that rules of the policy may ask for')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Prints JSON Lines, one a question')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colours')
            [CompletionResult]::new('--progress', '--progress', [CompletionResultType]::ParameterName, 'When to show progress on standard error')
            [CompletionResult]::new('-4', '-4', [CompletionResultType]::ParameterName, 'Asks for A only, or over IPv4 only where the server is a name')
            [CompletionResult]::new('--ipv4', '--ipv4', [CompletionResultType]::ParameterName, 'Asks for A only, or over IPv4 only where the server is a name')
            [CompletionResult]::new('-6', '-6', [CompletionResultType]::ParameterName, 'Asks for AAAA only, or over IPv6 only where the server is a name')
            [CompletionResult]::new('--ipv6', '--ipv6', [CompletionResultType]::ParameterName, 'Asks for AAAA only, or over IPv6 only where the server is a name')
            [CompletionResult]::new('--strict-errors', '--strict-errors', [CompletionResultType]::ParameterName, 'Ends at the first error that may pass, as Go''s `StrictErrors`: no further name of the search list, and a failed AAAA fails a name whose A was found')
            [CompletionResult]::new('--tcp', '--tcp', [CompletionResultType]::ParameterName, 'TCP from the start')
            [CompletionResult]::new('--udp-only', '--udp-only', [CompletionResultType]::ParameterName, 'UDP and nothing else, of any server')
            [CompletionResult]::new('--no-tcp-fallback', '--no-tcp-fallback', [CompletionResultType]::ParameterName, 'No TCP instead of UDP: a truncated reply stays one, a silent server stays silent')
            [CompletionResult]::new('--hosts', '--hosts', [CompletionResultType]::ParameterName, 'Looks into the hosts file first, with --ns too')
            [CompletionResult]::new('--no-hosts', '--no-hosts', [CompletionResultType]::ParameterName, 'Does not look into the hosts file')
            [CompletionResult]::new('--short', '--short', [CompletionResultType]::ParameterName, 'Prints the data of the answers and nothing else, one a line')
            [CompletionResult]::new('--pretty', '--pretty', [CompletionResultType]::ParameterName, 'Prints indented JSON')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Prints nothing but errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Prints nothing but errors')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Prints more: every try, all sections, what was sent and what came back')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Prints more: every try, all sections, what was sent and what came back')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'netkit;demo' {
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colours')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'netkit;generate' {
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('completions', 'completions', [CompletionResultType]::ParameterValue, 'A completion script')
            [CompletionResult]::new('man', 'man', [CompletionResultType]::ParameterValue, 'The man pages: one file each into a directory, or the first to standard output')
            [CompletionResult]::new('schema', 'schema', [CompletionResultType]::ParameterValue, 'The JSON Schema of every line that --json prints')
            [CompletionResult]::new('readme-help', 'readme-help', [CompletionResultType]::ParameterValue, 'The help block of README.md')
            break
        }
        'netkit;generate;completions' {
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'netkit;generate;man' {
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'netkit;generate;schema' {
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'netkit;generate;readme-help' {
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
    })

    $completions.Where{ $_.CompletionText -like "$wordToComplete*" } |
        Sort-Object -Property ListItemText
}
