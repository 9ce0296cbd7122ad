%% Distributed Erlang: one node answers and counts, one sends; the bench tells the sender by lines on
%% its standard input and reads one line of JSON for each.
-module(bench_peer).
-export([serve/0, drive/0]).
-export([init/1, handle_call/3, handle_cast/2]).
-behaviour(gen_server).

%% ---- the node that answers

serve() ->
    {ok, _} = gen_server:start_link({local, echo}, ?MODULE, [], []),
    register(sink, spawn_link(fun() -> sink(0, 0, 0) end)),
    say("{\"ready\":true}", []),
    receive stop -> ok end.

init(_) -> {ok, nil}.
handle_call(Message, _From, State) -> {reply, Message, State}.
handle_cast(_, State) -> {noreply, State}.

%% The clock is read once for many events, as everywhere in this bench.
sink(Count, First, Last) ->
    receive
        {count, From} -> From ! {count, Count, Last - First}, sink(Count, First, Last);
        reset -> sink(0, 0, 0);
        {bulk, _} -> sink(Count + 1, first(Count, First), now_us());
        _ when Count rem 64 =:= 0 -> sink(Count + 1, first(Count, First), now_us());
        _ -> sink(Count + 1, First, Last)
    end.

first(0, _) -> now_us();
first(_, First) -> First.

%% ---- the node that sends

drive() ->
    Peer = list_to_atom(hd(init:get_plain_arguments())),
    connect(Peer, 100),
    say("{\"ready\":true}", []),
    obey(Peer).

connect(_, 0) -> say("{\"error\":\"the other node cannot be reached\"}", []), halt(1);
connect(Peer, Left) ->
    case net_kernel:connect_node(Peer) of
        true -> ok;
        _ -> timer:sleep(50), connect(Peer, Left - 1)
    end.

obey(Peer) ->
    case io:get_line("") of
        Line when is_list(Line) -> order(Peer, string:lexemes(Line, " \n")), obey(Peer);
        _ -> halt(0)
    end.

order(Peer, ["calls", Kind, InFlight, Ms, PauseMs]) ->
    {Rate, P50, P99} = calls(Peer, number(InFlight), number(Ms), payload(Kind), number(PauseMs)),
    say("{\"perSecond\":~p,\"p50Us\":~p,\"p99Us\":~p}", [Rate, P50, P99]);
order(Peer, ["events", Kind, Ms]) ->
    events(Peer, payload(Kind), now_us() + number(Ms) * 1000),
    say("{}", []);
order(Peer, ["count"]) ->
    {sink, Peer} ! {count, self()},
    {Count, Us} = receive {count, C, U} -> {C, U} end,
    say("{\"count\":~p,\"elapsedMs\":~p}", [Count, Us / 1000]);
order(Peer, ["reset"]) ->
    {sink, Peer} ! reset,
    say("{}", []);
order(Peer, ["bulk"]) ->
    Big = {bulk, binary:copy(<<"y">>, 1000000)},
    spawn_link(fun() -> bulk(Peer, Big) end),
    say("{}", []).

number(Text) -> list_to_integer(Text).

%% small and objects: the same maps that everybody sends; small_bytes and bytes: bytes of that size.
payload("small") ->
    #{id => 12345678, type => <<"order.created">>, user => <<"u-1002003">>,
      ts => 1700000000000, ok => true, total => 12.5};
payload("objects") ->
    #{id => 12345678, type => <<"order.bulk">>, ts => 1700000000000,
      rows => [row(I) || I <- lists:seq(0, 62)]};
payload("small_bytes") -> binary:copy(<<"x">>, 100);
payload("bytes") -> binary:copy(<<"x">>, 10000).

row(I) ->
    #{sku => list_to_binary(["SKU-", integer_to_list(100000 + I)]),
      name => list_to_binary(["Product number ", integer_to_list(1000 + I)]),
      qty => (I rem 9) + 1, price => 9.99 + I,
      tags => [<<"alpha">>, <<"beta">>, <<"gamma">>],
      active => I rem 2 =:= 0, note => <<"lorem ipsum dolor sit amet">>}.

calls(Peer, InFlight, Ms, Payload, PauseMs) ->
    Self = self(),
    Start = now_us(),
    End = Start + Ms * 1000,
    [spawn_link(fun() -> Self ! {took, caller(Peer, Payload, End, PauseMs, [])} end)
     || _ <- lists:seq(1, InFlight)],
    Took = lists:append([receive {took, Some} -> Some end || _ <- lists:seq(1, InFlight)]),
    Elapsed = now_us() - Start,
    Sorted = lists:sort(Took),
    Count = length(Sorted),
    {Count * 1.0e6 / Elapsed, percentile(Sorted, Count, 50), percentile(Sorted, Count, 99)}.

percentile(Sorted, Count, P) -> lists:nth(max(1, Count * P div 100), Sorted).

caller(Peer, Payload, End, PauseMs, Took) ->
    Start = erlang:monotonic_time(nanosecond),
    if
        Start div 1000 >= End -> Took;
        true ->
            _ = gen_server:call({echo, Peer}, Payload, 60000),
            Us = (erlang:monotonic_time(nanosecond) - Start) / 1000,
            if PauseMs > 0 -> timer:sleep(PauseMs); true -> ok end,
            caller(Peer, Payload, End, PauseMs, [Us | Took])
    end.

events(Peer, Payload, End) ->
    case now_us() >= End of
        true -> ok;
        false -> burst(Peer, Payload, 64), events(Peer, Payload, End)
    end.

burst(_, _, 0) -> ok;
burst(Peer, Payload, Left) -> {sink, Peer} ! Payload, burst(Peer, Payload, Left - 1).

bulk(Peer, Big) ->
    {sink, Peer} ! Big,
    bulk(Peer, Big).

now_us() -> erlang:monotonic_time(microsecond).
say(Format, Arguments) -> io:format(Format ++ "~n", Arguments).
