// Pointers into what a file holds do not outlive it: asked of a temporary, they do not compile.
#include <ember/ember.h>

using namespace ember;

int main() {
  const Value file = load("model.pt");
  const nn::Linear net(2, 2);
#if PROGRAM == 1  // says: use of deleted function
  print(load("model.pt").find("weight")->as_tensor());
#elif PROGRAM == 2  // says: use of deleted function
  print(load("model.pt")["model"].find("weight")->as_tensor());
#elif PROGRAM == 3  // says: use of deleted function
  print(*net.state_dict().find("weight"));
#endif
  print(file.find("weight")->as_tensor());
}
