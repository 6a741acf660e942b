import com.fasterxml.jackson.annotation.JsonClassDescription;
import com.fasterxml.jackson.annotation.JsonTypeName;
import com.openai.client.OpenAIClient;
import com.openai.client.okhttp.OpenAIOkHttpClient;
import com.openai.core.JsonValue;
import com.openai.core.http.StreamResponse;
import com.openai.errors.BadRequestException;
import com.openai.errors.NotFoundException;
import com.openai.errors.RateLimitException;
import com.openai.errors.UnauthorizedException;
import com.openai.helpers.ChatCompletionAccumulator;
import com.openai.helpers.ResponseAccumulator;
import com.openai.models.chat.completions.ChatCompletion;
import com.openai.models.chat.completions.ChatCompletionChunk;
import com.openai.models.chat.completions.ChatCompletionCreateParams;
import com.openai.models.chat.completions.ChatCompletionStreamOptions;
import com.openai.models.chat.completions.ChatCompletionToolChoiceOption;
import com.openai.models.embeddings.EmbeddingCreateParams;
import com.openai.models.responses.EasyInputMessage;
import com.openai.models.responses.Response;
import com.openai.models.responses.ResponseCreateParams;
import com.openai.models.responses.ResponseFunctionToolCall;
import com.openai.models.responses.ResponseInputItem;
import com.openai.models.responses.ResponseOutputItem;
import com.openai.models.responses.ResponseStreamEvent;
import com.openai.models.responses.ToolChoiceOptions;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/** Its answers by a schema, and its tools, are classes. */
class City {
  public String name;
  public int people;
}

@JsonTypeName("weather")
@JsonClassDescription("The weather of a city")
class Weather {
  public String city;
}

public final class OpenaiCalls {
  static final OpenAIClient client = connect(Check.KEY, 2);

  static OpenAIClient connect(String key, int retriesMax) {
    return OpenAIOkHttpClient.builder().baseUrl(Check.EDGE + "/v1").apiKey(key).maxRetries(retriesMax).build();
  }

  static ChatCompletionCreateParams.Builder chat(long tokensMax) {
    return ChatCompletionCreateParams.builder()
        .model("chat")
        .addUserMessage("Tell me of rivers.")
        .maxCompletionTokens(tokensMax);
  }

  static ResponseCreateParams.Builder asked() {
    return ResponseCreateParams.builder().model("chat").input("Tell me of rivers.").maxOutputTokens(100);
  }

  static String text(Response response) {
    StringBuilder text = new StringBuilder();
    for (ResponseOutputItem item : response.output())
      item.message()
          .ifPresent(
              message ->
                  message.content().forEach(part -> part.outputText().ifPresent(it -> text.append(it.text()))));
    return text.toString();
  }

  public static void main(String[] args) {
    tryLists();
    tryChat();
    tryResponses();
    tryErrors();
    Check.end();
  }

  static void tryLists() {
    Check.check("models.list", () -> Check.must(client.models().list().data().size() > 2, "models"));
    Check.check(
        "models.retrieve", () -> Check.must(!client.models().retrieve("chat").ownedBy().isEmpty(), "owner"));
    Check.check(
        "embeddings",
        () -> {
          var texts = EmbeddingCreateParams.builder().model("embed").inputOfArrayOfStrings(List.of("a", "b"));
          var data = client.embeddings().create(texts.build()).data();
          Check.must(data.size() == 2 && !data.get(1).embedding().isEmpty(), "embeddings");
        });
  }

  static void tryChat() {
    Check.check(
        "chat",
        () -> {
          ChatCompletion answer = client.chat().completions().create(chat(8).build());
          Check.must(!answer.choices().get(0).message().content().orElseThrow().isEmpty(), "content");
          Check.must(answer.usage().orElseThrow().completionTokens() > 0, "usage");
        });
    Check.check(
        "chat stream with usage",
        () -> {
          var options = ChatCompletionStreamOptions.builder().includeUsage(true).build();
          var all = ChatCompletionAccumulator.create();
          try (StreamResponse<ChatCompletionChunk> stream =
              client.chat().completions().createStreaming(chat(8).streamOptions(options).build())) {
            stream.stream().forEach(all::accumulate);
          }
          ChatCompletion answer = all.chatCompletion();
          Check.must(!answer.choices().get(0).message().content().orElseThrow().isEmpty(), "content");
          Check.must(answer.usage().orElseThrow().completionTokens() > 0, "usage");
        });
    Check.check(
        "chat tools from a class",
        () -> {
          var asked = chat(100).addTool(Weather.class).toolChoice(ChatCompletionToolChoiceOption.Auto.REQUIRED);
          var message = client.chat().completions().create(asked.build()).choices().get(0).message();
          var call = message.toolCalls().orElseThrow().get(0).asFunction().function();
          Check.must(call.arguments(Weather.class).city != null, "city");
        });
    Check.check(
        "chat answer by a class",
        () -> {
          var answer = client.chat().completions().create(chat(200).responseFormat(City.class).build());
          Check.must(answer.choices().get(0).message().content().orElseThrow().name != null, "name");
        });
  }

  static void tryResponses() {
    Check.check(
        "responses",
        () -> {
          Response answer = client.responses().create(asked().build());
          Check.must(!text(answer).isEmpty() && answer.usage().orElseThrow().outputTokens() > 0, "output");
        });
    Check.check(
        "responses stream",
        () -> {
          var all = ResponseAccumulator.create();
          var deltas = new StringBuilder();
          try (StreamResponse<ResponseStreamEvent> stream = client.responses().createStreaming(asked().build())) {
            stream.stream()
                .peek(event -> event.outputTextDelta().ifPresent(it -> deltas.append(it.delta())))
                .forEach(all::accumulate);
          }
          Check.must(deltas.length() > 0 && text(all.response()).contentEquals(deltas), "text");
        });
    Check.check("responses tools, both turns", OpenaiCalls::tryBothTurns);
    Check.check(
        "responses answer by a class",
        () -> {
          var answer = client.responses().create(asked().maxOutputTokens(200).text(City.class).build());
          var message = answer.output().stream().flatMap(item -> item.message().stream()).findFirst();
          Check.must(message.orElseThrow().content().get(0).asOutputText().name != null, "name");
        });
  }

  static void tryBothTurns() {
    var required = asked().addTool(Weather.class).toolChoice(ToolChoiceOptions.REQUIRED);
    Response first = client.responses().create(required.build());
    List<ResponseInputItem> turns = new ArrayList<>();
    turns.add(
        ResponseInputItem.ofEasyInputMessage(
            EasyInputMessage.builder().role(EasyInputMessage.Role.USER).content("Weather?").build()));
    ResponseFunctionToolCall call = null;
    for (ResponseOutputItem item : first.output()) {
      item.reasoning().map(ResponseInputItem::ofReasoning).ifPresent(turns::add);
      item.message().map(ResponseInputItem::ofResponseOutputMessage).ifPresent(turns::add);
      item.functionCall().map(ResponseInputItem::ofFunctionCall).ifPresent(turns::add);
      if (item.isFunctionCall()) call = item.asFunctionCall();
    }
    Check.must(call != null && call.arguments(Weather.class).city != null, "call");
    var result = ResponseInputItem.FunctionCallOutput.builder().callId(call.callId()).output("sunny").build();
    turns.add(ResponseInputItem.ofFunctionCallOutput(result));
    var second = asked().addTool(Weather.class).toolChoice(ToolChoiceOptions.NONE).inputOfResponse(turns);
    Check.must(!text(client.responses().create(second.build())).isEmpty(), "answer");
  }

  static void tryErrors() {
    Check.check(
        "a wrong key, model and value are the SDK's own errors",
        () -> {
          var stranger = connect("sk-pen-wrong", 2);
          Check.rejected(UnauthorizedException.class, () -> stranger.responses().create(asked().build()));
          var missing =
              Check.rejected(
                  NotFoundException.class, () -> client.responses().create(asked().model("none").build()));
          Check.must(missing.code().orElse("").equals("model_not_found"), "code");
          Check.rejected(
              BadRequestException.class, () -> client.responses().create(asked().temperature(9.0).build()));
        });
    Check.check(
        "a second call at a limit of one is refused, or retried",
        () -> {
          // It must not end by itself before the others have asked.
          var lengthy = chat(3_000).putAdditionalBodyProperty("min_tokens", JsonValue.from(3_000)).build();
          CompletableFuture<ChatCompletion> patient;
          try (StreamResponse<ChatCompletionChunk> stream =
              connect(Check.ONE_CALL_KEY, 0).chat().completions().createStreaming(lengthy)) {
            Check.must(stream.stream().findFirst().isPresent(), "chunk");
            var hasty = connect(Check.ONE_CALL_KEY, 0);
            var refused =
                Check.rejected(
                    RateLimitException.class, () -> hasty.chat().completions().create(chat(8).build()));
            Check.must(!refused.headers().values("retry-after").isEmpty(), "retry-after");
            var retrying = connect(Check.ONE_CALL_KEY, 5);
            patient = CompletableFuture.supplyAsync(() -> retrying.chat().completions().create(chat(8).build()));
            Thread.sleep(200);
            Check.must(!patient.isDone(), "wait");
          }
          Check.must(!patient.get().choices().isEmpty(), "answer");
        });
  }
}
