%% Distributed Erlang for the formation suite: one node, told of one seed, writes a line of JSON when
%% it lists all nodes. Everything as it is by default: nodes connect to all others by themselves.
%% Told to wait, it is a virtual machine without distribution until it hears "go": to listen, to be
%% registered with the port mapper and to join is what `startCluster()` does too.
-module(formation_peer).
-export([start/0]).

start() ->
    [Own, Seed, Nodes, Waits] = init:get_plain_arguments(),
    case Waits of
        "waits" ->
            say("{\"booted\":true}", []),
            _ = io:get_line(""),
            {ok, _} = net_kernel:start([list_to_atom(Own), longnames]);
        "goes" -> ok
    end,
    ok = net_kernel:monitor_nodes(true),
    join(list_to_atom(Seed)),
    wait(list_to_integer(Nodes)),
    say("{\"formedUs\":~p}", [os:system_time(microsecond)]),
    ended().

join(Seed) when Seed =:= node() -> ok;
join(Seed) ->
    case net_adm:ping(Seed) of
        pong -> ok;
        pang -> timer:sleep(10), join(Seed)
    end.

wait(Nodes) when Nodes =< 1 -> ok;
wait(Nodes) ->
    case length(nodes()) + 1 >= Nodes of
        true -> ok;
        false -> receive {nodeup, _} -> wait(Nodes) after 50 -> wait(Nodes) end
    end.

%% Until whoever started it is gone.
ended() ->
    case io:get_line("") of
        eof -> halt(0);
        {error, _} -> halt(0);
        _ -> ended()
    end.

say(Format, Arguments) -> io:format(Format ++ "~n", Arguments).
