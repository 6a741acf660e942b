import com.anthropic.client.AnthropicClient;
import com.anthropic.client.okhttp.AnthropicOkHttpClient;
import com.anthropic.core.JsonValue;
import com.anthropic.core.http.StreamResponse;
import com.anthropic.errors.BadRequestException;
import com.anthropic.errors.NotFoundException;
import com.anthropic.errors.RateLimitException;
import com.anthropic.errors.UnauthorizedException;
import com.anthropic.helpers.MessageAccumulator;
import com.anthropic.models.messages.ContentBlock;
import com.anthropic.models.messages.ContentBlockParam;
import com.anthropic.models.messages.Message;
import com.anthropic.models.messages.MessageCountTokensParams;
import com.anthropic.models.messages.MessageCreateParams;
import com.anthropic.models.messages.RawMessageStreamEvent;
import com.anthropic.models.messages.Tool;
import com.anthropic.models.messages.ToolChoiceAny;
import com.anthropic.models.messages.ToolChoiceNone;
import com.anthropic.models.messages.ToolResultBlockParam;
import com.anthropic.models.messages.ToolUseBlock;
import java.util.List;
import java.util.Map;

/** Its answers by a schema are classes. */
class Town {
  public String name;
  public int people;
}

public final class AnthropicMessages {
  static final AnthropicClient client = connect(Check.KEY);
  static final Tool weather =
      Tool.builder()
          .name("weather")
          .inputSchema(
              Tool.InputSchema.builder()
                  .properties(
                      Tool.InputSchema.Properties.builder()
                          .putAdditionalProperty("city", JsonValue.from(Map.of("type", "string")))
                          .build())
                  .required(List.of("city"))
                  .build())
          .build();

  static AnthropicClient connect(String key) {
    return AnthropicOkHttpClient.builder().baseUrl(Check.EDGE).apiKey(key).maxRetries(0).build();
  }

  static MessageCreateParams.Builder asked() {
    return MessageCreateParams.builder().model("chat").maxTokens(200).addUserMessage("Tell me of rivers.");
  }

  static String text(Message message) {
    var text = new StringBuilder();
    for (ContentBlock block : message.content()) block.text().ifPresent(it -> text.append(it.text()));
    return text.toString();
  }

  public static void main(String[] args) {
    Check.check("models.list", () -> Check.must(!client.models().list().data().isEmpty(), "models"));
    Check.check(
        "messages",
        () -> {
          Message message = client.messages().create(asked().build());
          Check.must(!text(message).isEmpty() && message.usage().outputTokens() > 0, "text");
        });
    Check.check(
        "messages stream",
        () -> {
          var all = MessageAccumulator.create();
          var deltas = new StringBuilder();
          try (StreamResponse<RawMessageStreamEvent> stream = client.messages().createStreaming(asked().build())) {
            stream.stream()
                .peek(
                    event ->
                        event.contentBlockDelta().flatMap(it -> it.delta().text()).ifPresent(it -> deltas.append(it.text())))
                .forEach(all::accumulate);
          }
          Check.must(deltas.length() > 0 && text(all.message()).contentEquals(deltas), "text");
        });
    Check.check("tools, both turns", AnthropicMessages::tryBothTurns);
    Check.check(
        "an answer by a class",
        () -> {
          var answer = client.messages().create(asked().outputConfig(Town.class).build());
          Check.must(answer.content().get(0).asText().text().name != null, "name");
        });
    Check.check(
        "messages.countTokens",
        () -> {
          var asked = MessageCountTokensParams.builder().model("chat").addUserMessage("Tell me of rivers.");
          Check.must(client.messages().countTokens(asked.build()).inputTokens() > 0, "tokens");
        });
    tryErrors();
    Check.end();
  }

  static void tryBothTurns() {
    var required = asked().addTool(weather).toolChoice(ToolChoiceAny.builder().build());
    Message first = client.messages().create(required.build());
    ToolUseBlock use = first.content().stream().flatMap(block -> block.toolUse().stream()).findFirst().orElseThrow();
    var result = ToolResultBlockParam.builder().toolUseId(use.id()).content("sunny").build();
    var second =
        asked()
            .addTool(weather)
            .toolChoice(ToolChoiceNone.builder().build())
            .addMessage(first)
            .addUserMessageOfContentBlockParams(List.of(ContentBlockParam.ofToolResult(result)));
    Check.must(!text(client.messages().create(second.build())).isEmpty(), "answer");
  }

  static void tryErrors() {
    Check.check(
        "a wrong key, model and value are the SDK's own errors",
        () -> {
          Check.rejected(
              UnauthorizedException.class, () -> connect("sk-pen-wrong").messages().create(asked().build()));
          Check.rejected(NotFoundException.class, () -> client.messages().create(asked().model("none").build()));
          var wrong = asked().putAdditionalBodyProperty("temperature", JsonValue.from(9)).build();
          Check.rejected(BadRequestException.class, () -> client.messages().create(wrong));
        });
    Check.check(
        "a second call at a limit of one is the SDK's own error",
        () -> {
          var one = connect(Check.ONE_CALL_KEY);
          // It must not end by itself before the other has asked.
          var lengthy = asked().maxTokens(3_000).putAdditionalBodyProperty("min_tokens", JsonValue.from(3_000));
          try (StreamResponse<RawMessageStreamEvent> stream =
              one.messages().createStreaming(lengthy.build())) {
            Check.must(stream.stream().findFirst().isPresent(), "event");
            Check.rejected(RateLimitException.class, () -> one.messages().create(asked().build()));
          }
        });
  }
}
