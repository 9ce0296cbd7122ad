%% An ETS table for the crdt suite: one node holds a table of texts, another one, which is not connected
%% yet, fetches a copy. ETS is no replicated state, nothing merges: it is the least that the same work
%% can cost in Erlang, a table in memory and one message with all of it.
-module(crdt_peer).
-export([start/0]).

start() ->
    ets:new(m, [set, public, named_table, {keypos, 1}]),
    say("{\"ready\":1}", []),
    obey().

obey() ->
    case io:get_line("") of
        Line when is_list(Line) -> order(string:lexemes(Line, " \n")), obey();
        _ -> halt(0)
    end.

order(["clear"]) ->
    ets:delete_all_objects(m),
    say("{\"done\":1}", []);
%% The values are made before the clock runs, as random as the others' and as long.
order(["fill", FromText, ToText]) ->
    From = list_to_integer(FromText),
    To = list_to_integer(ToText),
    Entries = [{key(N), value(N)} || N <- lists:seq(From, To - 1)],
    Before = bytes(),
    {Us, ok} = timer:tc(fun() -> insert(Entries) end),
    Count = To - From,
    say("{\"perSecond\":~p,\"bytesPerKey\":~p}", [
        Count * 1000000 / max(1, Us), (bytes() - Before + off_heap(Entries)) / Count
    ]);
order(["join", Holder]) ->
    Began = erlang:monotonic_time(microsecond),
    Node = list_to_atom(Holder),
    true = net_kernel:connect_node(Node),
    ets:insert(m, erpc:call(Node, ets, tab2list, [m])),
    Us = erlang:monotonic_time(microsecond) - Began,
    say("{\"ms\":~p,\"keys\":~p}", [Us / 1000, ets:info(m, size)]);
order(["churn", CyclesText]) ->
    Cycles = list_to_integer(CyclesText),
    Before = bytes(),
    {Us, ok} = timer:tc(fun() -> churn(Cycles) end),
    say("{\"ms\":~p,\"grownBytes\":~p}", [Us / 1000, bytes() - Before]).

insert([]) -> ok;
insert([Entry | Rest]) -> ets:insert(m, Entry), insert(Rest).

churn(0) -> ok;
churn(N) ->
    Key = {churn, N rem 1000},
    ets:insert(m, {Key, <<"x">>}),
    ets:delete(m, Key),
    churn(N - 1).

bytes() -> ets:info(m, memory) * erlang:system_info(wordsize).

%% Binaries of more than 64 bytes are not in the table itself.
off_heap(Entries) -> lists:sum([byte_size(Value) || {_, Value} <- Entries, byte_size(Value) > 64]).

key(N) -> iolist_to_binary(io_lib:format("user:~7..0b", [N])).

%% 80 letters that look random.
value(N) -> << <<(97 + erlang:phash2({N, I}, 26))>> || I <- lists:seq(1, 80) >>.

say(Format, Arguments) -> io:format(Format ++ "~n", Arguments).
