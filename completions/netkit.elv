
use builtin;
use str;

set edit:completion:arg-completer[netkit] = {|@words|
    fn spaces {|n|
        builtin:repeat $n ' ' | str:join ''
    }
    fn cand {|text desc|
        edit:complex-candidate $text &display=$text' '(spaces (- 14 (wcswidth $text)))$desc
    }
    var command = 'netkit'
    for word $words[1..-1] {
        if (str:has-prefix $word '-') {
            break
        }
        set command = $command';'$word
    }
    var completions = [
        &'netkit'= {
            cand -h 'Print help'
            cand --help 'Print help'
            cand -V 'Print version'
            cand --version 'Print version'
            cand dial 'Connect to a target: which address answers, how long each stage takes, and who said no'
            cand parse-addr 'Say what an address is, compute with networks, find addresses in text'
            cand resolve 'Ask name servers: what they really say, over which transport, and what went wrong on the way'
            cand demo 'Run every subcommand against servers of its own on loopback and show what comes out'
            cand generate 'Write completions, man pages, the JSON Schema or the README''s help block'
        }
        &'netkit;dial'= {
            cand --targets 'Reads targets from a file, one a line, `#` comments; `-` is standard input'
            cand --network 'The network, for targets that do not name one [default: tcp]'
            cand --ns 'Asks this name server instead of the system''s (may be given more than once)'
            cand -t 'Bounds the whole dial: resolve, connect, exchange [default: 5s]'
            cand --timeout 'Bounds the whole dial: resolve, connect, exchange [default: 5s]'
            cand --attempt-timeout 'Bounds the connection attempt to one address'
            cand --attempt-delay 'Pause before the next address is tried beside the last, at least 10ms [default: 250ms; go 300ms, curl 200ms]'
            cand --strategy 'Dials as that client would [default: rfc8305]'
            cand --send 'Sends text, with C escapes (`PING\r\n`)'
            cand --send-hex 'Sends bytes in hexadecimal'
            cand --send-file 'Sends the content of a file'
            cand --expect 'Succeeds only if this text, with C escapes, comes back'
            cand --expect-regex 'Succeeds only if what comes back matches'
            cand --read 'Reads until that many bytes have come; 0 does not wait for a reply'
            cand --keepalive 'Idle time before the first keepalive probe [default: 15s]'
            cand --keepalive-interval 'Time between keepalive probes [default: 15s]'
            cand --keepalive-count 'Unanswered probes until the connection is given up [default: 9]'
            cand --user-timeout 'How long sent data may stay unacknowledged (`TCP_USER_TIMEOUT`)'
            cand --hold 'Keeps the connection open that long and counts the probes'
            cand --local-addr 'Source address, with a port if it matters'
            cand --interface 'Network interface to leave by (`SO_BINDTODEVICE`)'
            cand --mark 'Firewall mark (`SO_MARK`)'
            cand --tos 'Type-of-service byte'
            cand --dscp 'Differentiated services code point: a number or a name (`ef`, `af41`)'
            cand --ttl 'Time to live, or hop limit'
            cand --mss 'Maximum segment size to announce (`TCP_MAXSEG`)'
            cand --congestion 'Congestion control algorithm (`TCP_CONGESTION`)'
            cand --nodelay 'Sends small segments at once (`TCP_NODELAY`) [default: on]'
            cand --close 'How the connection is closed [default: fin]'
            cand -c 'Dials that often, on a schedule that does not wait for slow replies; 0: until Ctrl-C'
            cand --count 'Dials that often, on a schedule that does not wait for slow replies; 0: until Ctrl-C'
            cand -i 'Time from one probe to the next, at least 1ms [default: 1s]'
            cand --interval 'Time from one probe to the next, at least 1ms [default: 1s]'
            cand -P 'Dials under way at once [default: what the descriptor limit allows]'
            cand --parallel 'Dials under way at once [default: what the descriptor limit allows]'
            cand --wait 'Retries for that long, until every target answers (pauses grow from 100ms to 5s)'
            cand --wait-for 'What to wait for [default: open]'
            cand --only 'Of many targets, show only those that ended so (may be given more than once)'
            cand --color 'When to use colours'
            cand --progress 'When to show progress on standard error'
            cand -u 'Short for --network udp'
            cand --udp 'Short for --network udp'
            cand -4 'IPv4 only'
            cand --ipv4 'IPv4 only'
            cand -6 'IPv6 only'
            cand --ipv6 'IPv6 only'
            cand --race-all 'Lets the losers of the race finish, and reports them'
            cand --banner 'Waits for the server to speak first'
            cand --shutdown-write 'Closes the sending side after sending, and reads to the end'
            cand --stdio 'Connects standard input and output to the connection, as nc'
            cand --no-keepalive 'Sends no keepalive probes'
            cand --fastopen 'Puts data into the SYN where the server allows it (RFC 7413)'
            cand --mptcp 'Multipath TCP, falling back to TCP (RFC 8684)'
            cand --any 'One of the targets is enough'
            cand --json 'Prints JSON Lines'
            cand --pretty 'Prints indented JSON'
            cand -q 'Prints nothing but errors'
            cand --quiet 'Prints nothing but errors'
            cand -v 'Prints more: all attempts, everything received; of many targets, each with its evidence'
            cand --verbose 'Prints more: all attempts, everything received; of many targets, each with its evidence'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'netkit;parse-addr'= {
            cand --input 'Reads one input a line from a file; `-` is standard input'
            cand --as 'What the text is taken for; auto recognises it'
            cand --network 'Go''s network for --as tcp, udp, ip-addr and port: tcp, tcp4, tcp6, udp, …, ip4:icmp'
            cand --nat64 'Looks for IPv4 behind this NAT64 prefix too (RFC 6052; may be given more than once)'
            cand --ns 'Asks this name server instead of the system''s (may be given more than once)'
            cand -t 'Bounds the lookup of one host [default: 5s]'
            cand --timeout 'Bounds the lookup of one host [default: 5s]'
            cand --contains 'Whether each network holds these addresses or networks (status 1 if one does not)'
            cand --overlaps 'Whether each network has an address in common with this one (status 1 if one has not)'
            cand --split 'The parts of that length, lazily'
            cand --split-into 'That many parts, as equal as can be'
            cand --supernet 'The network of that length around each'
            cand --nth 'The address at that place: 0 is the first, -1 the last'
            cand --random 'Addresses drawn at random [default: 1]'
            cand --seed 'Draws the same addresses again'
            cand --exclude 'The addresses of all inputs that are not in these networks'
            cand --intersect 'The addresses of all inputs that are in these networks'
            cand --in 'Prints the lines that hold an address of these networks, or of the networks in these files'
            cand --color 'When to use colours'
            cand --resolve 'Looks up hosts that are names'
            cand --hosts 'All addresses a host may have'
            cand --aggregate 'The fewest networks with the addresses of all inputs'
            cand --summarize 'The fewest networks that cover each range (`first-last`)'
            cand --sort 'The inputs in order: IPv4 first, then by address, then the larger network'
            cand --unique 'Each input once'
            cand -v 'Prints the other lines'
            cand --invert 'Prints the other lines'
            cand --any 'Any address of a line may match [default]'
            cand --first 'Only the first address of a line counts'
            cand --count 'Prints how many lines there are instead'
            cand -s 'Prints the canonical text only'
            cand --short 'Prints the canonical text only'
            cand --json 'Prints JSON Lines'
            cand --pretty 'Prints indented JSON'
            cand --brief 'With --json: only what it is and whether it is valid'
            cand -q 'Prints nothing: the status tells'
            cand --quiet 'Prints nothing: the status tells'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'netkit;resolve'= {
            cand --type 'A record type: a name, any case, or TYPE65280 (may be given more than once)'
            cand --name 'A name, even if it looks like a type (may be given more than once)'
            cand -x 'The name of an address: its PTR records (may be given more than once)'
            cand --reverse 'The name of an address: its PTR records (may be given more than once)'
            cand --ns 'Asks this name server instead of the system''s, as @SERVER (may be given more than once)'
            cand --ns-mode 'What is done with several servers [default: first]'
            cand -t 'Bounds each question: all servers, names, tries and handshakes together [default: 5s]'
            cand --timeout 'Bounds each question: all servers, names, tries and handshakes together [default: 5s]'
            cand --tries 'How often silent servers are asked; the timeout is divided by it [default: resolv.conf''s, or 2]'
            cand --hosts-file 'The hosts file [default: /etc/hosts]'
            cand --resolv-conf 'The system''s configuration [default: /etc/resolv.conf]'
            cand --json 'Prints JSON Lines, one a question'
            cand --color 'When to use colours'
            cand --progress 'When to show progress on standard error'
            cand -4 'Asks for A only, or over IPv4 only where the server is a name'
            cand --ipv4 'Asks for A only, or over IPv4 only where the server is a name'
            cand -6 'Asks for AAAA only, or over IPv6 only where the server is a name'
            cand --ipv6 'Asks for AAAA only, or over IPv6 only where the server is a name'
            cand --strict-errors 'Ends at the first error that may pass, as Go''s `StrictErrors`: no further name of the search list, and a failed AAAA fails a name whose A was found'
            cand --tcp 'TCP from the start'
            cand --udp-only 'UDP and nothing else, of any server'
            cand --no-tcp-fallback 'No TCP instead of UDP: a truncated reply stays one, a silent server stays silent'
            cand --hosts 'Looks into the hosts file first, with --ns too'
            cand --no-hosts 'Does not look into the hosts file'
            cand --short 'Prints the data of the answers and nothing else, one a line'
            cand --pretty 'Prints indented JSON'
            cand -q 'Prints nothing but errors'
            cand --quiet 'Prints nothing but errors'
            cand -v 'Prints more: every try, all sections, what was sent and what came back'
            cand --verbose 'Prints more: every try, all sections, what was sent and what came back'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'netkit;demo'= {
            cand --color 'When to use colours'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'netkit;generate'= {
            cand -h 'Print help'
            cand --help 'Print help'
            cand completions 'A completion script'
            cand man 'The man pages: one file each into a directory, or the first to standard output'
            cand schema 'The JSON Schema of every line that --json prints'
            cand readme-help 'The help block of README.md'
        }
        &'netkit;generate;completions'= {
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'netkit;generate;man'= {
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'netkit;generate;schema'= {
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'netkit;generate;readme-help'= {
            cand -h 'Print help'
            cand --help 'Print help'
        }
    ]
    $completions[$command]
}
