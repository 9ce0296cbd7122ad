%% Distributed Erlang for the process suite: a gen_server on each of two nodes, called, told, started
%% and stopped as the bench says by lines on the standard input.
-module(process_peer).
-export([serve/0, drive/0]).
-export([init/1, handle_call/3, handle_cast/2]).
-behaviour(gen_server).

serve() ->
    {ok, _} = gen_server:start_link({local, echo}, ?MODULE, [], []),
    say("{\"ready\":true}", []),
    receive stop -> ok end.

init(_) -> {ok, 0}.
handle_call(count, _From, State) -> {reply, State, State};
handle_call(Message, _From, State) -> {reply, Message, State}.
handle_cast(_, State) -> {noreply, State + 1}.

drive() ->
    Peer = list_to_atom(hd(init:get_plain_arguments())),
    connect(Peer, 100),
    {ok, _} = gen_server:start_link({local, echo}, ?MODULE, [], []),
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

order(_, ["calls", "local", InFlight, Ms]) -> say_rate(calls(echo, number(InFlight), number(Ms)));
order(Peer, ["calls", "remote", InFlight, Ms]) ->
    say_rate(calls({echo, Peer}, number(InFlight), number(Ms)));
order(_, ["casts", Ms]) -> say_rate(casts(number(Ms)));
order(_, ["starts", Count]) -> say_rate(starts(number(Count)));
order(_, ["live", Count]) ->
    Before = settled(),
    Pids = [begin {ok, Pid} = gen_server:start(?MODULE, [], []), Pid end
            || _ <- lists:seq(1, number(Count))],
    say("{\"bytes\":~p}", [(settled() - Before) / length(Pids)]).

settled() ->
    erlang:garbage_collect(),
    timer:sleep(200),
    erlang:memory(processes).

number(Text) -> list_to_integer(Text).

payload() ->
    #{id => 12345678, type => <<"order.created">>, user => <<"u-1002003">>,
      ts => 1700000000000, ok => true, total => 12.5}.

calls(To, InFlight, Ms) ->
    Self = self(),
    Start = now_us(),
    End = Start + Ms * 1000,
    [spawn_link(fun() -> Self ! {done, caller(To, payload(), End, 0)} end)
     || _ <- lists:seq(1, InFlight)],
    Done = lists:sum([receive {done, Count} -> Count end || _ <- lists:seq(1, InFlight)]),
    Done * 1.0e6 / (now_us() - Start).

caller(To, Payload, End, Done) ->
    case now_us() >= End of
        true -> Done;
        false ->
            #{id := 12345678} = gen_server:call(To, Payload, 60000),
            caller(To, Payload, End, Done + 1)
    end.

casts(Ms) ->
    Before = gen_server:call(echo, count),
    Start = now_us(),
    cast_until(Start + Ms * 1000, payload()),
    After = gen_server:call(echo, count, 60000),
    (After - Before) * 1.0e6 / (now_us() - Start).

%% Bursts as large as everywhere in this suite; a call waits until they were handled.
cast_until(End, Payload) ->
    case now_us() >= End of
        true -> ok;
        false ->
            [gen_server:cast(echo, Payload) || _ <- lists:seq(1, 256)],
            _ = gen_server:call(echo, count, 60000),
            cast_until(End, Payload)
    end.

starts(Count) ->
    Start = now_us(),
    start_stop(Count),
    Count * 1.0e6 / (now_us() - Start).

start_stop(0) -> ok;
start_stop(Left) ->
    {ok, Pid} = gen_server:start(?MODULE, [], []),
    ok = gen_server:stop(Pid),
    start_stop(Left - 1).

now_us() -> erlang:monotonic_time(microsecond).
say_rate(PerSecond) -> say("{\"perSecond\":~p}", [PerSecond]).
say(Format, Arguments) -> io:format(Format ++ "~n", Arguments).
